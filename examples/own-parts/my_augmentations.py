"""An augmentation of one's own: searchctl knows it as my_augmentations:outdoors."""

import albumentations as A
import cv2


def outdoors(strength: float = 0.2) -> A.Compose:
    """Mirror, turn and light photographs; `strength` is an option, given as `augment_args`."""
    return A.Compose(
        [
            A.HorizontalFlip(p=0.5),
            A.Affine(rotate=(-30 * strength, 30 * strength), border_mode=cv2.BORDER_REFLECT_101),
            A.RandomBrightnessContrast(brightness_limit=strength, contrast_limit=strength),
        ]
    )
