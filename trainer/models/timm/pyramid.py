"""Any network of timm as a pyramid: features of four sizes, from images of any size it takes."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from searchctl.trainer.models.base import Encoder
from searchctl.trainer.models.timm.any_size import AnySizeEncoder
from searchctl.trainer.models.timm.encoder import with_weights


class Pyramid(Encoder):
    """Features at strides of 4, 8, 16 and 32 pixels (or what the network has), of any timm network.

    Networks with stages have these features by themselves. Plain ones, such as vision transformers,
    have a single size; from blocks at 1/3, 1/2, 2/3 and the end of their depth, features are
    brought to a pyramid by two transposed convolutions, one, none, and max-pooling, as in the
    segmentation of Bao et al., 'BEiT' (2022).

    Images [B, 3, H, W], normalised by ImageNet's mean and deviation, come to a list of feature maps
    [B, channels, H / stride, W / stride], those nearest to the image first.

    Attributes:
        timm: the network itself, whose pretrained weights may be loaded.
        channels: of each of the features.
        multiple: the sides of images must be divisible by this.
        smallest: smallest side of images, in pixels.

    Args:
        name: timm's name of the network.
        drop_path: probability with which a residual branch is skipped in training.
        after: makes what follows each stage, of the number of its channels; not for plain networks.
        options: further arguments of timm's constructor.

    Raises:
        SettingsError: timm has no such network, or it does not take these options.
    """

    def __init__(
        self,
        name: str,
        *,
        drop_path: float = 0.0,
        after: Callable[[int], nn.Module] = nn.Identity,
        **options: Any,
    ) -> None:
        super().__init__()
        self.timm = AnySizeEncoder(name, drop_path=drop_path, **options)
        self.channels = self.timm.channels
        self.multiple, self.smallest = self.timm.multiple, self.timm.smallest
        self.levels = (
            _from_one_size(self.channels[0])
            if self.timm.plain
            else nn.ModuleList(after(channels) for channels in self.channels)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the feature maps, those nearest to the image first.

        Raises:
            SettingsError: the network takes images of another size only.
        """
        features = self.timm(images)
        return [level(each) for level, each in zip(self.levels, features, strict=True)]

    def stages(self) -> list[list[nn.Module]]:
        """Return the network's stages, each with what follows it."""
        stages = [list(stage) for stage in self.timm.feature_stages()]
        for number, level in enumerate(self.levels):
            # of some networks timm cannot tell all of the stages
            stages[min(number, len(stages) - 1)].append(level)
        return with_weights(stages)


def _from_one_size(channels: int) -> nn.ModuleList:
    def doubled() -> nn.Module:
        return nn.ConvTranspose2d(channels, channels, 2, stride=2)

    return nn.ModuleList(
        [
            nn.Sequential(doubled(), nn.BatchNorm2d(channels), nn.GELU(), doubled()),
            doubled(),
            nn.Identity(),
            nn.MaxPool2d(2, ceil_mode=True),  # an odd row or column of patches is not lost
        ]
    )
