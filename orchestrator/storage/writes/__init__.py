"""All writes to the database; those of a driver are in writer.py."""
