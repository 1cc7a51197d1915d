"""Callbacks during a sweep: hooks, and loggers for TensorBoard, MLflow and W&B."""
