"""A sweep from launch to its end: prepare, resume, assemble its driver, run, close."""
