"""The sections of a sweep.yaml besides data, training and space."""
