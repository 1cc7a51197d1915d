"""Which own code a sweep names: parts of its trials, its data set, its score."""

from collections.abc import Iterable

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.trainer.scores.catalog import known_score
from searchctl.trainer.settings.own import is_import_path, own_parts
from searchctl.trainer.settings.training import TrainSettings


def own_names(sweep: Sweep) -> list[str]:
    """Return the import paths that a sweep and all its trials name, each once.

    The modules of a script are found by its sources: see `script_files`.
    """
    trials = () if sweep.script is not None else sweep.trials()
    return names_used(sweep, (sweep.recipe.with_params(params) for params in trials))


def names_used(sweep: Sweep, settings: Iterable[TrainSettings]) -> list[str]:
    """Return the import paths that trials of these settings use, with those of the whole sweep."""
    scores = [each for each in sweep.halving.scores if known_score(each) is None]
    shared = filter(is_import_path, (sweep.data.dataset, *scores))
    return list(dict.fromkeys([*own_parts(settings), *map(str, shared)]))
