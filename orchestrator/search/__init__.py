"""Everything that uses Optuna: the mirrored study, param importances, and points drawn by TPE."""
