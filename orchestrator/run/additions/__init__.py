"""Additions to a stored sweep, which the next driver trains: cohorts, and failed trials again."""
