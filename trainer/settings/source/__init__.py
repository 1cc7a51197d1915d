"""Parts of the user's own, read from their source without importing it."""
