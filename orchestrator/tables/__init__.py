"""Tables of a sweep for other tools: one row for each trial or epoch, as CSV, JSON or pandas."""
