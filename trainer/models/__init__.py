"""The networks, one file each; `build.py` builds the one that the settings name."""
