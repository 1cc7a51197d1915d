"""Any network of timm for images of any size; one that takes a single size says which."""

import math
from typing import Any

from torch import Tensor

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.timm.encoder import TimmEncoder
from searchctl.trainer.models.timm.traits import traits


class AnySizeEncoder(TimmEncoder):
    """An encoder of timm, made for images of as many sizes as it can take.

    Attributes:
        multiple: the sides of images must be divisible by this.
        smallest: smallest side of images, in pixels.
        plain: whether all features have the same size, as a vision transformer's.

    Args:
        name: timm's name of the network.
        drop_path: probability with which a residual branch is skipped in training.
        least: `smallest` where the network takes it; see `traits`.
        options: further arguments of timm's constructor.

    Raises:
        SettingsError: timm has no such network, or it does not take these options.
    """

    def __init__(
        self, name: str, *, drop_path: float = 0.0, least: int = 32, **options: Any
    ) -> None:
        found = traits(name, least, **options)
        super().__init__(name, drop_path=drop_path, **found.options)
        self.multiple, self.smallest, self._only = found.sizes
        self.plain = found.plain

    def padded_to(self, multiple: int) -> int:
        """Return to multiples of what images are padded, for a head that wants `multiple`.

        A network for images of one size takes no others: padding would only change what they are.
        """
        return 1 if self._only else math.lcm(multiple, self.multiple)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the feature maps, those nearest to the image first.

        Raises:
            SettingsError: the network takes images of another size only.
        """
        size = tuple(images.shape[-2:])
        if self._only and self._only != size:
            only, given = ("x".join(map(str, each)) for each in (self._only, size))
            raise SettingsError(
                f"encoder '{self.name}' takes images of {only} pixels only, not {given}: "
                "set image_size to that, or take another encoder"
            )
        return super().forward(images)
