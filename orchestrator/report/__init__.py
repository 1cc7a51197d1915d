"""The report on a sweep: facts are gathered, then drawn; facts.py says what they are."""
