"""sweep.yaml to a frozen `Sweep`, with all errors at once."""
