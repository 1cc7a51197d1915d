"""What is probably not meant, or changes what scores mean."""

from collections.abc import Iterator

from searchctl.orchestrator.config.checks.space import check_training
from searchctl.orchestrator.config.sections.halving import HalvingSettings
from searchctl.orchestrator.config.sections.resources import ResourceSettings
from searchctl.orchestrator.config.sections.sweep import SearchSettings
from searchctl.searchspace import Interval, Params, Space
from searchctl.trainer.settings.marks import Mark, marked
from searchctl.trainer.settings.options import model_options
from searchctl.trainer.settings.training import TrainSettings

_ROUNDING = marked(TrainSettings, Mark.ROUNDING)


def sweep_warnings(
    search: SearchSettings,
    space: Space,
    trials: tuple[Params, ...],
    halving: HalvingSettings,
    training: TrainSettings,
) -> tuple[str, ...]:
    """Return warnings: what is probably not meant, or changes what scores mean."""
    return (
        *_comparison_warnings(space, halving),
        *_size_warnings(search, space, trials, training),
    )


def process_warnings(resources: ResourceSettings, smallest_batch: int) -> Iterator[str]:
    """Yield warnings where the processes of a trial do not make it faster."""
    processes, cpus = resources.processes, resources.cpus_per_trial
    if processes > smallest_batch:
        yield (
            f"batch_size {smallest_batch} is not divided over {processes} processes of a trial: "
            "each of them trains on all of it; raise it, or lower what a trial occupies"
        )
    if processes > cpus:
        yield (
            f"{processes} processes of a trial share {cpus:g} CPU{'s' * (cpus > 1)}: raise "
            f"resources.cpus_per_trial to {processes} or more"
        )


def _comparison_warnings(space: Space, halving: HalvingSettings) -> Iterator[str]:
    if (
        any(name.partition(".")[0] == "loss" for name in space.names)
        and halving.ranked_by == "val_loss"
    ):
        yield (
            "loss is searched and the score is val_loss: val_loss is plain cross entropy, so "
            "trials that train with it have an advantage; score: val_miou (in classification, "
            "val_accuracy) treats all losses alike"
        )
    for name in space.names:
        if name in _ROUNDING:
            yield (
                f"{name} is searched: it changes how sums are rounded, so trials differ by more "
                "than their other params, and a resumed sweep needs the same hardware"
            )
    for name in model_options.OPTIONS:
        axis = space.axes.get(name)
        if axis is not None and axis.contains(None) and axis.size != 1:
            yield (
                f"space.{name} lists null, which stands for each network's own default: if that is "
                "one of the other values, its trials are trained twice; write the values alone"
            )


def _size_warnings(
    search: SearchSettings, space: Space, trials: tuple[Params, ...], training: TrainSettings
) -> Iterator[str]:
    wanted = sum(search.sizes)
    if len(trials) < wanted:
        yield f"the space has {len(trials)} distinct points only: not {wanted} trials"
    for name, dimension in space.axes.items():
        if isinstance(dimension, Interval) and _skips_fractions(name, dimension, training):
            yield (
                f"space.{name} holds whole numbers only, as its ends are written without a decimal "
                f"point: write low: {dimension.low}.0 for the numbers in between"
            )


def _skips_fractions(name: str, dimension: Interval, training: TrainSettings) -> bool:
    """Is it an interval of whole numbers for a setting that takes fractions too?"""
    between = dimension.low + 0.5
    return (
        dimension.whole and dimension.step is None and not check_training(training, {name: between})
    )
