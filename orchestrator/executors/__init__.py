"""Executors run jobs: `base` is the interface, `inline` the reference, `ray` runs them on Ray."""
