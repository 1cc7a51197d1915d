"""A sweep from launch to its end: prepare, drive, resume."""
