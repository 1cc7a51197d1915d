"""Settings of data sets in their official layouts, one file each."""
