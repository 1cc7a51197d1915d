"""Checks of the user's own code that a sweep.yaml names, by its source, once all else is valid."""
