"""timm encoders for images of any size, as far as the network supports it."""

import math
from typing import Any

from torch import Tensor

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.timm.encoder import TimmEncoder
from searchctl.trainer.models.timm.traits import traits


class AnySizeEncoder(TimmEncoder):
    """A timm encoder, built so that it accepts as many image sizes as possible.

    Attributes:
        multiple: the sides of images must be divisible by this.
        smallest: smallest side of images, in pixels.
        plain: whether all features have the same size, as those of a vision transformer.

    Args:
        name: timm's name of the network.
        in_channels: channels of the images; see `channel_options`.
        drop_path: probability of skipping a residual branch in training.
        least: the side in pixels that is tried first for `smallest`; see `traits`.
        options: further arguments of timm's constructor.

    Raises:
        SettingsError: timm has no such network, or it does not accept these options.
    """

    def __init__(
        self,
        name: str,
        in_channels: int = 3,
        *,
        drop_path: float = 0.0,
        least: int = 32,
        **options: Any,
    ) -> None:
        found = traits(name, least, **options)
        super().__init__(name, in_channels, drop_path=drop_path, **found.options)
        self.multiple, self.smallest, self._only = found.sizes
        self.plain = found.plain

    def padded_to(self, multiple: int) -> int:
        """Return the multiple to which images are padded, for a head that requires `multiple`.

        It is 1 for a network of one image size: padding cannot help there.
        """
        return 1 if self._only else math.lcm(multiple, self.multiple)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the feature maps, the largest first.

        Raises:
            SettingsError: the network only accepts images of another size.
        """
        size = tuple(images.shape[-2:])
        if self._only and self._only != size:
            only, given = ("x".join(map(str, each)) for each in (self._only, size))
            raise SettingsError(
                f"encoder '{self.name}' takes images of {only} pixels only, not {given}: "
                "set image_size to that, or use another encoder"
            )
        return super().forward(images)
