"""Scores of a trained network, and how long it takes."""
