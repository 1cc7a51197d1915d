"""Everything that uses Optuna: the study that mirrors a sweep, and param importances."""
