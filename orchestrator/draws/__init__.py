"""Draws of trials: at random, evenly spread, near known points, or by a model of results."""
