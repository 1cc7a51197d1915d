"""A user's own modules: which files they are, and how a process imports and calls these."""
