"""The decoded cache: images and labels are decoded once per node."""
