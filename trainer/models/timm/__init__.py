"""timm's networks as encoders and classifiers."""
