"""A probe: the speed and memory of a sweep's configurations, measured on this machine."""
