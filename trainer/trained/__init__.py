"""A trained network in its file: what it is, how to load it, to predict with it, to score it."""
