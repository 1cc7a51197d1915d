"""From files to batches: nested samples, augmentation, checks."""
