"""Pipelines of albumentations in a sweep.yaml: form, checks and files; without importing it."""
