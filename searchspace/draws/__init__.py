"""Draws of points: sequences in the unit cube, and points near known ones."""
