"""How a sweep occupies the slots of its trials: wall time, idle share, and one ladder instead."""
