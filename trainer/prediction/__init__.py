"""Predictions of image files: which images, how each is read, and what is written of it."""
