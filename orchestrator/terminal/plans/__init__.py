"""Output of `plan` and `calibrate`: what a sweep costs, and what it cost."""
