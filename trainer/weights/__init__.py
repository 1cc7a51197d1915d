"""Initial weights: from published files, from checkpoints, from scratch."""
