"""The decoded cache: images and labels decoded once per node."""
