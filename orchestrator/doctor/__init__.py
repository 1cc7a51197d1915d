"""The checks of `searchctl doctor`: whether a sweep can run here, and what to fix."""
