"""The machine that a job runs on: CPUs, memory, disk space, hardware."""
