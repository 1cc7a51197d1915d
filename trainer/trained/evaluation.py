"""Scores a trained network on a split of any data set, as a sweep scores its finalists."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from searchctl.trainer.core.errors import DataError, SettingsError
from searchctl.trainer.core.results import OWN_FIELDS, Evaluation, ImageCounts
from searchctl.trainer.core.stopping import Stop
from searchctl.trainer.data.loader import load_split
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.settings import DataSettings, Split
from searchctl.trainer.evaluation.evaluate import Scored, evaluate, evaluate_original
from searchctl.trainer.run.torch_state import own_torch_state
from searchctl.trainer.scores.build import build_score
from searchctl.trainer.scores.catalog import known_score
from searchctl.trainer.trained.model import TrainedModel


def evaluate_model(
    model: TrainedModel, data: DataSettings, split: Split, *, stop: Stop = lambda: False
) -> dict[str, Evaluation]:
    """Score a network on a split, at its training size and at the labels' original size.

    On the data that it was trained on, and on hardware of the same type, the numbers are those that
    the sweep or `searchctl train` stored. The images are brought to the size at which the network
    was trained, whatever the data settings say, and normalised as in its training.

    Args:
        model: the network.
        data: settings of the data set.
        split: what is scored.
        stop: called before each batch.

    Returns:
        The evaluations of the split, such as 'test' and 'test_original'.

    Raises:
        SettingsError: the data set has other classes or channels than the network.
        DataError: the split is empty, has no labels, or a file of it cannot be read.
        Stopped: a stop was requested.
    """
    description, data = model.description, data_for(model, data)
    loaded = load_split(data, split)
    if not loaded.names:
        raise DataError(f"the {split} split holds no images: score another one with --split")
    settings = description.settings
    options = {"batch_size": settings.batch_size, "stop": stop}
    with own_torch_state(settings, model.precision.device):
        scored: dict[str, Callable[..., Scored]] = {
            split: evaluate,
            f"{split}_original": partial(evaluate_original, inference=description.inference),
        }
        return {
            name: _with_scores(model, *how(model.network, loaded, model.precision, **options))
            for name, how in scored.items()
        }


def data_for(model: TrainedModel, data: DataSettings) -> DataSettings:
    """Return settings of a data set whose images are of a network's training size.

    Raises:
        SettingsError: the data set has other classes or channels than the network; both lists of
            classes are named.
        DataError: its classes cannot be read.
    """
    description = model.description
    if data.task != description.task:
        raise SettingsError(f"the network is for {description.task}, and the data for {data.task}")
    names = tuple(build_dataset(data).class_names)
    if names != model.class_names:
        raise SettingsError(
            f"the network predicts the classes {', '.join(model.class_names)}, and the data set "
            f"has {', '.join(names)}: they must be the same, in the same order"
        )
    if data.channels != description.images.channels:
        raise SettingsError(
            f"the network takes images of {description.images.channels} channels, and the data "
            f"set's have {data.channels}: set data.bands"
        )
    return data.model_copy(update={"image_size": description.images.image_size})


def _with_scores(model: TrainedModel, evaluation: Evaluation, images: ImageCounts) -> Evaluation:
    """Add the scores that the network was ranked by, and others that were recorded."""
    recorded = model.description.evaluations.get("val", {}).get("scores", {})
    names = [name for name in recorded if name not in OWN_FIELDS and known_score(name)]
    scores: dict[str, float | None] = {}
    for name in names:
        try:
            scores[name] = build_score(name, model.class_names).of(images)
        except DataError:  # the split lacks a class that the score needs
            scores[name] = None
    return replace(evaluation, scores=scores)
