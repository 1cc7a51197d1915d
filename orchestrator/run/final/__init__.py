"""`searchctl train`: one exported configuration on all of the data."""
