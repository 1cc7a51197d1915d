"""Builds the network that the settings name."""

import inspect

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.models.catalog import constructor_options
from searchctl.trainer.models.own import OwnNetwork
from searchctl.trainer.settings.catalog import part_named
from searchctl.trainer.settings.options.model_options import option_problems
from searchctl.trainer.settings.parts import Part
from searchctl.trainer.settings.source.own import OwnPart
from searchctl.trainer.settings.training import TrainSettings


def build_model(
    settings: TrainSettings,
    classes: int,
    in_channels: int = 3,
    image_size: tuple[int, int] | None = None,
) -> SegmentationModel:
    """Build the network of the settings, with fresh weights from torch's global generator.

    Args:
        settings: of the trial.
        classes: channels of the logits.
        in_channels: channels of the images.
        image_size: height and width of the training images, for own networks that need them.

    Raises:
        SettingsError: there is no such encoder, a setting cannot be combined with it or the model,
            or the network takes 3 channels only.
    """
    if problems := option_problems([settings]):
        raise SettingsError("; ".join(f"{name} {problem}" for name, problem in problems))
    network = part_named("model", settings.model)
    if isinstance(network, OwnPart):
        return OwnNetwork(
            classes,
            options=network.options_in(settings),
            dropout=settings.dropout,
            in_channels=in_channels,
            image_size=image_size,
        )
    chosen = {name: getattr(settings, name) for name in constructor_options(network)}
    given = {name: value for name, value in chosen.items() if value is not None}
    model: SegmentationModel = network.load()(
        classes,
        dropout=settings.dropout,
        **_channels(network, settings.model, in_channels),
        **_named(settings.model),
        **given,
    )
    return model


def _channels(network: Part, name: str, in_channels: int) -> dict[str, int]:
    """Return the constructor's option for other images than RGB, which it may lack."""
    if in_channels == 3:
        return {}
    if "in_channels" not in inspect.signature(network.load()).parameters:
        raise SettingsError(
            f"{name} takes images of 3 channels, not {in_channels}: its constructor has no "
            "in_channels; take another model, or set three bands"
        )
    return {"in_channels": in_channels}


def _named(model: str) -> dict[str, str]:
    """Return the options that the name of a network implies."""
    kind, _, name = model.partition(":")
    if kind == "smp":
        decoder, _, encoder = name.partition("/")
        return {"decoder": decoder, "encoder": encoder}
    return {"name": name} if kind == "timm" else {}
