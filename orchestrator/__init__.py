"""Decides which trial is next, where it runs, and what is kept."""
