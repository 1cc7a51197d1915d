"""What holds of every augmentation, ours or the user's."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from searchctl.trainer.checks.base import Check, CheckFailed
from searchctl.trainer.data.augment.chosen import Augmenter
from searchctl.trainer.data.sets.base import Image, Label

_IGNORED = 255
_DRAWS = 8


@dataclass(frozen=True)
class AugmentCase:
    """An augmentation that is checked."""

    made: Callable[[], Augmenter]
    """Makes one, as each thread has its own."""
    classes: int
    channels: int
    size: tuple[int, int]
    """Height and width of the training images."""

    def pair(self) -> tuple[Image, Label]:
        """Return an image and a mask of blocks of all classes, the same each time."""
        kind = "uint8" if self.channels == 3 else "float32"
        image = np.random.default_rng(3).integers(0, 255, (*self.size, self.channels)).astype(kind)
        rows, columns = (4 * np.arange(side) // side for side in self.size)
        return image, ((4 * rows[:, None] + columns) % self.classes).astype(np.uint8)


def draws_depend_on_the_seed_alone(case: AugmentCase) -> None:
    """The same seed gives the same image, whatever was drawn before and by which thread."""
    first, second = case.made(), case.made()
    second.changed(*case.pair(), 99)
    for seed in range(_DRAWS):
        one, other = (each.changed(*case.pair(), seed) for each in (first, second))
        if [each.tobytes() for each in one] != [each.tobytes() for each in other]:
            raise CheckFailed(
                "it draws from a generator of its own: a callable takes a parameter rng, a NumPy "
                "generator, and draws from that alone"
            )


def masks_have_known_labels(case: AugmentCase) -> None:
    """Masks hold classes and the ignored label, and nothing in between."""
    used, known = case.made(), {*range(case.classes), _IGNORED}
    for seed in range(_DRAWS):
        _, label = used.changed(*case.pair(), seed)
        if unknown := set(np.unique(label).tolist()) - known:
            raise CheckFailed(f"it makes labels {sorted(unknown)}, which are no classes")


AUGMENT_CHECKS = {
    "draws depend on the seed alone": Check(draws_depend_on_the_seed_alone),
    "masks have known labels": Check(masks_have_known_labels),
}
