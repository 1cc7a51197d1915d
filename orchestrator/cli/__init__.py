"""The `searchctl` command: its verbs, one room for each stage of a sweep."""
