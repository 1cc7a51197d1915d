"""The report of a sweep: facts.py defines its facts, gathering.py reads them, templates draw."""
