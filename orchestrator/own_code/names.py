"""Which own code a sweep names: parts of its trials, its data set, its score, its loggers."""

from collections.abc import Iterable

from searchctl.orchestrator.config.checks.space import distinct_settings
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.trainer.scores.catalog import known_score
from searchctl.trainer.settings.source.own import ENTRY_POINTS, is_import_path, own_parts
from searchctl.trainer.settings.training import TrainSettings

_NAMING = (*ENTRY_POINTS, "augment")
"""Settings of a trial that may name own code."""


def own_names(sweep: Sweep) -> list[str]:
    """Return the import paths that a sweep and all its trials name, each once.

    The modules of a script are found by its sources: see `script_files`.
    """
    trials = () if sweep.script is not None else sweep.trials()
    used = names_used(sweep, distinct_settings(trials, _NAMING, sweep.recipe))
    return list(dict.fromkeys([*used, *sweep.loggers.own]))


def own_networks(sweep: Sweep) -> list[str]:
    """Return those of a sweep's import paths that its trials name as networks."""
    trials = () if sweep.script is not None else sweep.trials()
    named = (str(each.model) for each in distinct_settings(trials, ("model",), sweep.recipe))
    return [name for name in dict.fromkeys(named) if is_import_path(name)]


def names_used(sweep: Sweep, settings: Iterable[TrainSettings]) -> list[str]:
    """Return the import paths that jobs of these settings use: own loggers run in the driver."""
    listed = list(settings)
    scores = [each for each in sweep.halving.scores if known_score(each) is None]
    others = [*(each.augment for each in listed), sweep.data.dataset, *scores]
    named = [*own_parts(listed), *(str(each) for each in others if is_import_path(each))]
    return list(dict.fromkeys(named))
