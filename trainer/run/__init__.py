"""One job from top to bottom: preparation, training loop, checkpoints."""
