"""The verbs before a sweep: its file, its data, its cost, this installation."""
