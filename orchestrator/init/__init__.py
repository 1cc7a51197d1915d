"""Setting searchctl up: the files that `searchctl init` writes, and what containers check."""
