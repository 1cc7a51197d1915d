"""A trained network in the formats of other programs: ONNX, and torch.export's .pt2."""
