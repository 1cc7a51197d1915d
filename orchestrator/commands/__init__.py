"""The verbs of the `searchctl` command, a few to a file; each imports what it needs when run."""
