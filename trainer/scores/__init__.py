"""Scores of a network on a split: their names, their directions and how they are computed."""
