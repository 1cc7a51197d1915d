"""A network that is not ours, as one of ours: any nn.Module from images to logits."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.own_code.calls import (
    accepted,
    accepts,
    checked_call,
    import_object,
    own_errors,
)
from searchctl.trainer.settings.source.own import CHANNELS, CLASSES, OwnOptions

OUTPUTS = ("out", "logits")
"""Keys of the logits where a network returns a mapping."""
_OFFER = {
    "encoder": "self.encoder = the module from images to features",
    "decoder": "self.decoder = the module from features to the classifier's input",
    "classifier": "self.classifier = the last layers, to logits",
}


class OwnNetwork(SegmentationModel):
    """A user's network behind the interface of ours.

    Images are padded to a multiple of the network's attribute `multiple`, if it has one, and logits
    of another size than the images are resampled. A single logit x of two classes, whose sigmoid is
    the probability of the second one, becomes the logits [0, x]. The names of its weights are its
    own.

    Args:
        classes: channels of the logits.
        options: the import path and the arguments.
        dropout: given to a parameter of that name.
        in_channels: channels of the images.
        image_size: height and width of the training images; None if they are not known.

    Raises:
        SettingsError: it cannot be imported or built, or it has no `dropout` and needs one.
    """

    def __init__(
        self,
        classes: int,
        *,
        options: OwnOptions,
        dropout: float = 0.0,
        in_channels: int = 3,
        image_size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.where = options.where
        self.classes = classes
        self.network: nn.Module = _built(options, classes, dropout, in_channels, image_size)
        self.smallest: int = getattr(self.network, "smallest", 1)
        self.multiple = getattr(self.network, "multiple", 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of each pixel.

        Raises:
            SettingsError: the network fails, or does not return logits of these classes.
        """
        with own_errors(self.where):
            output = self.network(self._padded(images))
        return self._resampled(self._logits(output, len(images)), images)

    def all_logits(self, images: Tensor) -> list[Tensor]:
        """Return the logits of each pixel; the training loss is of these alone."""
        return [self.forward(images)]

    def offers(self, part: str) -> bool:
        """Return whether the network has an attribute of that name which is a module."""
        return isinstance(getattr(self.network, part, None), nn.Module)

    def part(self, name: str) -> nn.Module:
        """Return one of the parts.

        Raises:
            SettingsError: the network does not offer it.
        """
        if not self.offers(name):
            raise SettingsError(
                f"{self.where} offers no {name}, which finetune and encoder_lr_* need: leave "
                f"them out, or set in its constructor {_OFFER[name]}"
            )
        part: nn.Module = getattr(self.network, name)
        return part

    def stages(self) -> list[list[nn.Module]]:
        """Return the modules of each stage of the encoder.

        Raises:
            SettingsError: its encoder has no method `stages`.
        """
        encoder: Any = self.part("encoder")
        if not hasattr(encoder, "stages"):
            raise SettingsError(
                f"{self.where} offers no stages of its encoder, which last_K and encoder_lr_decay "
                "need: give its encoder a method stages(), which returns a list of modules for "
                "each stage"
            )
        with own_errors(self.where):
            stages: list[list[nn.Module]] = encoder.stages()
        return stages

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Return the weights by the network's own names, without a prefix of ours."""
        return self.network.state_dict(*args, **kwargs)

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Load weights by the network's own names."""
        return self.network.load_state_dict(state_dict, *args, **kwargs)

    def _logits(self, output: object, images: int) -> Tensor:
        if isinstance(output, Mapping):
            output = next((output[key] for key in OUTPUTS if key in output), output)
        if not isinstance(output, Tensor):
            raise SettingsError(
                f"{self.where} returns {type(output).__name__}: return logits [B, classes, h, w], "
                f"or a dict that has them under {' or '.join(map(repr, OUTPUTS))}"
            )
        if self.classes == 2 and output.ndim == 4 and output.shape[1] == 1:
            # the sigmoid of x is the softmax of [0, x], so no loss needs to know of it
            output = torch.cat([torch.zeros_like(output), output], dim=1)
        if output.ndim != 4 or output.shape[:2] != (images, self.classes):
            raise SettingsError(
                f"{self.where} returns {list(output.shape)} for {images} images and {self.classes} "
                "classes: return logits [B, classes, h, w]; the number of classes is given to a "
                f"parameter named {', '.join(CLASSES[:-1])} or {CLASSES[-1]}"
            )
        return output


def _built(
    options: OwnOptions,
    classes: int,
    dropout: float,
    in_channels: int,
    image_size: tuple[int, int] | None,
) -> nn.Module:
    where, target = options.where, import_object(options.where)
    given: dict[tuple[str, ...], object] = {CLASSES: classes, CHANNELS: in_channels}
    if image_size is not None:
        given["image_size",] = image_size
    given["dropout",] = dropout
    if dropout and not accepts(target, "dropout"):
        raise SettingsError(
            f"{where} has no parameter dropout: leave dropout out, or give its constructor one"
        )
    network = checked_call(where, target, **accepted(target, given, options.args))
    if not isinstance(network, nn.Module):
        raise SettingsError(f"{where} gives {type(network).__name__}, not a torch.nn.Module")
    return network
