"""The data sets, one file each; `trainer.catalog` lists them by name."""
