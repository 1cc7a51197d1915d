"""Random changes to the training images: presets, and pipelines of albumentations."""
