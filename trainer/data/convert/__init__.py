"""Annotations that are polygons or run lengths, turned into masks of class ids once."""
