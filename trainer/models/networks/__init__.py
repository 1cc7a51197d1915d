"""Our networks, one file each."""
