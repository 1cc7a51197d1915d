"""The distinct augmentations of a sweep's trials."""

import json
from collections.abc import Mapping

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.searchspace import Params
from searchctl.trainer.settings.pipelines.tree import read
from searchctl.trainer.settings.source.own import Augment, OwnOptions


def distinct_augments(sweep: Sweep, most: int | None = None) -> dict[str, Augment]:
    """Return the augmentations of all trials, by a heading for people; none of a script's.

    Args:
        sweep: the sweep.
        most: number of augmentations, spread evenly over all; all, if None.
    """
    if sweep.script is not None:
        return {}
    chosen = dict.fromkeys(
        Params({n: v for n, v in trial.items() if _is_augment(n)}) for trial in sweep.trials()
    )
    found = {
        _heading(params, augment): augment
        for params in chosen
        for augment in [sweep.recipe.with_params(params).augmentation]
    }
    headings = list(found)
    count = min(most or len(found), len(found))
    return {each: found[each] for each in (headings[len(found) * i // count] for i in range(count))}


def _is_augment(name: str) -> bool:
    return name.partition(".")[0] in ("augment", "augment_args")


def _heading(params: Params, augment: Augment) -> str:
    inside = [
        f"{name.partition('.')[2]}: {json.dumps(params[name])}" for name in params if "." in name
    ]
    whole = _name(augment)
    return f"{whole} ({', '.join(inside)})" if inside else whole


def _name(augment: Augment) -> str:
    if isinstance(augment, OwnOptions):
        return augment.where
    return augment if isinstance(augment, str) else _names(augment)


def _names(pipeline: Mapping[str, object]) -> str:
    return ", ".join(step.name for top in read(pipeline).steps for step in top.inner or ())
