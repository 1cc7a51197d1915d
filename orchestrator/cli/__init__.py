"""The `searchctl` command: its verbs, one file for each group."""
