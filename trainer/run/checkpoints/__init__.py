"""Checkpoints: what they hold, when one is written, and the thread that writes it."""
