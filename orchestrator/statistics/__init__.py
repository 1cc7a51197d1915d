"""Statistics of stored scores and counts, with their uncertainty: numpy in, dataclasses out.

Pure: no database, no files, no terminal.
"""
