"""The verbs that show stored sweeps."""
