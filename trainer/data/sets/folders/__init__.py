"""Data sets of your own that are found by folders or lists of files."""
