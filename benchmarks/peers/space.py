"""The space and the training length of every tuner. Imports the standard library alone."""

EPOCHS = 9
"""Epochs of a full training; the learning rate is decayed once, after half of them."""
SLOTS = 2
"""Trainings at a time, one CPU each."""
FLOATS = {
    "lr": (1e-4, 1e-1, True),
    "lr_decay": (0.03, 1.0, True),
    "weight_decay": (1e-6, 1e-2, True),
    "dropout": (0.0, 0.3, False),
}
"""Axis -> lowest value, highest value, whether it is on a logarithmic scale."""
CHOICES = {"optimizer": ("adam", "sgd")}
"""Axis -> its values."""
AXES = (*FLOATS, *CHOICES)
