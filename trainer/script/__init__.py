"""Runs a user's own training script in place of our training: a command, or a function."""
