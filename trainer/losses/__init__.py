"""The training losses, one file each; `build.py` makes the one that the settings name."""
