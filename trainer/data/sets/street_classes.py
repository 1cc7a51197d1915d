"""The 11 classes of CamVid in SegNet's order and colours, which the synthetic scenes share."""

CLASSES = {
    "Sky": (128, 128, 128),
    "Building": (128, 0, 0),
    "Pole": (192, 192, 128),
    "Road": (128, 64, 128),
    "Pavement": (60, 40, 222),
    "Tree": (128, 128, 0),
    "SignSymbol": (192, 128, 128),
    "Fence": (64, 64, 128),
    "Car": (64, 0, 128),
    "Pedestrian": (64, 64, 0),
    "Bicyclist": (0, 128, 192),
}
CLASS_NAMES = tuple(CLASSES)
PALETTE = tuple(CLASSES.values())
VOID = 11
"""Label of what is no class: the last id, not 0 and not 255."""
