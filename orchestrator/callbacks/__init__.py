"""Callbacks during a sweep: hooks, TensorBoard."""
