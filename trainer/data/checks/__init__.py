"""Checks of a data set: its contents, broken files, and reasons for misleading scores."""
