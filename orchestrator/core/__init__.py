"""What every room of the orchestrator uses: errors, signals, processes."""
