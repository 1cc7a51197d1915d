"""Updates of weights: optimizers, LR schedules, averages of weights, mixed batches."""
