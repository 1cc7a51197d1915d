"""All queries of stored rows."""
