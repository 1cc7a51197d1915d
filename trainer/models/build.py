"""Builds the network that the settings name."""

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.models.catalog import constructor_options
from searchctl.trainer.settings.catalog import model_named
from searchctl.trainer.settings.model_options import option_problems
from searchctl.trainer.settings.training import TrainSettings


def build_model(settings: TrainSettings, classes: int) -> SegmentationModel:
    """Build the network of the settings, with fresh weights from torch's global generator.

    Raises:
        SettingsError: there is no such encoder, or a setting cannot be combined with it or the
            model.
    """
    if problems := option_problems([settings]):
        raise SettingsError("; ".join(f"{name} {problem}" for name, problem in problems))
    network = model_named(settings.model)
    chosen = {name: getattr(settings, name) for name in constructor_options(network)}
    given = {name: value for name, value in chosen.items() if value is not None}
    model: SegmentationModel = network.load()(
        classes, dropout=settings.dropout, **_named(settings.model), **given
    )
    return model


def _named(model: str) -> dict[str, str]:
    """Return the options that the name of a network implies."""
    kind, _, name = model.partition(":")
    if kind == "smp":
        decoder, _, encoder = name.partition("/")
        return {"decoder": decoder, "encoder": encoder}
    return {"name": name} if kind == "timm" else {}
