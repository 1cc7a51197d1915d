"""Every setting of a trial: its type, meaning and bounds, and the catalog of parts by name."""
