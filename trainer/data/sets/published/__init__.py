"""Published data sets, one file for each, with the tables that belong to it."""
