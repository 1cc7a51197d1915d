"""What only SQLite files need: how they are opened, made durable, and known to be there."""
