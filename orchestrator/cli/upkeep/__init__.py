"""The verbs that look after stored sweeps, their files and their database."""
