"""What a sweep does while it runs: counts, speed, what waits, what is left."""
