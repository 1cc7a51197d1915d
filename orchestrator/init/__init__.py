"""Initial setup: the files that `searchctl init` writes, and the checks of containers."""
