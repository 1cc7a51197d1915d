"""Checks of a sweep.yaml that concern several of its sections, or the user's own code."""
