"""Drivers that are submitted to a Ray cluster as jobs."""
