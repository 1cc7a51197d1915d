"""The data sets, one file each; `searchctl.trainer.settings.catalog` lists them by name."""
