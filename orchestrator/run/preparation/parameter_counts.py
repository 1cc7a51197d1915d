"""Counts the parameters of networks, where conditions on trials need them, before a launch."""

from searchctl.orchestrator.config.checks.where import counted_conditions, network_of
from searchctl.orchestrator.config.parsing.problems import SweepError
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.searchspace.errors import place
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.settings.training import TrainSettings

MOST_NETWORKS = 1000
"""Distinct networks that are built before no trial is expected to satisfy the conditions."""


def with_parameter_counts(sweep: Sweep, dataset: Dataset) -> Sweep:
    """Return a sweep whose trials satisfy its conditions on the parameters of networks.

    Trials that do not are left out of a grid, and drawn again otherwise, until all are counted.

    Raises:
        SearchctlError: too few trials satisfy the conditions.
        SettingsError: a network cannot be built.
    """
    if not counted_conditions(sweep.search, sweep.space_):
        return sweep
    counts = dict(sweep.parameter_counts)
    while uncounted := _uncounted(sweep, counts):
        if len(counts) + len(uncounted) > MOST_NETWORKS:
            raise SearchctlError(
                f"search.where: among {len(counts)} networks, too few satisfy the conditions on "
                "parameters: loosen them, or change the ranges of space:"
            )
        for network, settings in uncounted.items():
            counts[network] = _count(settings, sweep, dataset)
        sweep = _with_counts(sweep, counts)
    return sweep


def _with_counts(sweep: Sweep, counts: dict[str, int]) -> Sweep:
    try:
        return Sweep.from_json({**sweep.to_json(), "parameter_counts": counts})
    except SweepError as error:
        problems = (f"{place(each.path)}: {each.message}" for each in error.problems)
        raise SearchctlError(*problems) from None


def _uncounted(sweep: Sweep, counts: dict[str, int]) -> dict[str, TrainSettings]:
    trials = {network_of(params): params for params in sweep.trials()}
    return {
        network: sweep.recipe.with_params(params)
        for network, params in trials.items()
        if network not in counts
    }


def _count(settings: TrainSettings, sweep: Sweep, dataset: Dataset) -> int:
    from searchctl.trainer.run.preflight import parameter_count  # imports torch

    data = sweep.data
    return parameter_count(settings, len(dataset.class_names), data.image_size, data.channels)
