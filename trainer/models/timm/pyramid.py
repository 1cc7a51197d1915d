"""Any timm network as a feature pyramid of four sizes."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from searchctl.trainer.models.base import Encoder
from searchctl.trainer.models.timm.any_size import AnySizeEncoder
from searchctl.trainer.models.timm.encoder import with_weights


class Pyramid(Encoder):
    """A feature pyramid of any timm network, at strides of 4, 8, 16 and 32 pixels or its own ones.

    Networks with stages have such features. Plain networks, such as vision transformers, have
    features of a single size. For them, the features after 1/3, 1/2, 2/3 and all of the blocks are
    resampled by two transposed convolutions, one, none, and max-pooling, as in the segmentation of
    Bao et al., 'BEiT' (2022).

    Images [B, 3, H, W], normalised by ImageNet's mean and standard deviation, give a list of
    feature maps [B, channels, H / stride, W / stride], the largest first.

    Attributes:
        timm: the network itself, which can have pretrained weights.
        channels: channels of each feature map.
        multiple: the sides of images must be divisible by this.
        smallest: smallest side of images, in pixels.

    Args:
        name: timm's name of the network.
        in_channels: channels of the images; see `channel_options`.
        drop_path: probability of skipping a residual branch in training.
        after: returns a module to append to each stage, given its channels; not used for plain
            networks.
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
        after: Callable[[int], nn.Module] = nn.Identity,
        **options: Any,
    ) -> None:
        super().__init__()
        self.timm = AnySizeEncoder(name, in_channels, drop_path=drop_path, **options)
        self.channels = self.timm.channels
        self.multiple, self.smallest = self.timm.multiple, self.timm.smallest
        self.levels = (
            _from_one_size(self.channels[0])
            if self.timm.plain
            else nn.ModuleList(after(channels) for channels in self.channels)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the feature maps, the largest first.

        Raises:
            SettingsError: the network only accepts images of another size.
        """
        features = self.timm(images)
        return [level(each) for level, each in zip(self.levels, features, strict=True)]

    def stages(self) -> list[list[nn.Module]]:
        """Return the network's stages, each with the module appended to it."""
        stages = [list(stage) for stage in self.timm.feature_stages()]
        for number, level in enumerate(self.levels):
            # timm does not know all stages of some networks
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
            nn.MaxPool2d(2, ceil_mode=True),  # keeps an odd last row or column of patches
        ]
    )
