"""The report of a sweep: facts.py and trial_facts.py say what is in it, gathering.py reads it."""
