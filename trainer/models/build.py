"""Builds the network that the settings name."""

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.settings.catalog import (
    CLASSIFIER,
    MODELS,
    is_classifier,
    load_object,
    options_of,
)
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
    if settings.model.startswith("smp:"):
        return _smp_model(settings, classes)
    where, named = _found(settings.model)
    chosen = {name: getattr(settings, name) for name in options_of(settings.model)}
    given = {name: value for name, value in chosen.items() if value is not None}
    model: SegmentationModel = load_object(where)(
        classes, dropout=settings.dropout, **named, **given
    )
    return model


def _found(model: str) -> tuple[str, dict[str, str]]:
    """Return the "module:object" of a network, and the options that its name implies."""
    if is_classifier(model):
        return CLASSIFIER.where, {"name": model.removeprefix("timm:")}
    return MODELS[model].where, {}


def _smp_model(settings: TrainSettings, classes: int) -> SegmentationModel:
    decoder, _, encoder = settings.model.removeprefix("smp:").partition("/")
    model: SegmentationModel = load_object("searchctl.trainer.models.smp:SmpModel")(
        classes, decoder=decoder, encoder=encoder, dropout=settings.dropout
    )
    return model
