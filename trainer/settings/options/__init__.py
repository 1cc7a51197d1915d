"""Which settings go with which part, and which have no effect."""
