"""A driver that is submitted to a cluster."""
