"""Which settings go with which network. Imports without torch, so that validating a file is quick.

No single setting is wrong by itself: whole trials are checked.
"""

from collections.abc import Callable, Iterable, Sequence

from searchctl.trainer.models.catalog import MODELS, constructor_options
from searchctl.trainer.settings.catalog import is_classifier, part_named
from searchctl.trainer.settings.source.own import is_import_path
from searchctl.trainer.settings.training import TrainSettings

OPTIONS = tuple(dict.fromkeys(n for model in MODELS.values() for n in constructor_options(model)))
"""The settings that a constructor of some network takes."""
NETWORK = ("model", "model_args", *OPTIONS)
"""The settings that determine the network."""
READ = ("model", *OPTIONS, "init", "weights")
"""The settings that these checks read."""


def option_problems(trials: Iterable[TrainSettings]) -> list[tuple[str, str]]:
    """Return (setting, problem) for every setting that does not go with the model of some trial."""
    trials = list(trials)
    checked = [
        *((name, _check_option(name, trials)) for name in OPTIONS),
        ("init", _check_pretrained(trials)),
        ("weights", _check_weights(trials)),
    ]
    return [(name, problem) for name, problem in checked if problem]


def _check_option(name: str, trials: Sequence[TrainSettings]) -> str | None:
    given = [trial for trial in trials if getattr(trial, name) is not None]
    having, lacking = _models(given, lambda model: name in part_named("model", model).names)
    if not lacking:
        return None
    what = f"is no setting of {', '.join(lacking)}"
    if any(map(is_import_path, lacking)):
        what = f"{what} (arguments of a network of your own are written as model_args.{name})"
    if having:
        return f"{what}: {only_when(name, 'model', having)}"
    others = [model for model, part in MODELS.items() if name in part.names]
    return f"{what}: leave it out (models that have it: {', '.join(others)})"


def _check_pretrained(trials: Sequence[TrainSettings]) -> str | None:
    pretrained = [trial for trial in trials if trial.init == "pretrained"]
    having, lacking = _models(pretrained, has_weights)
    if not lacking:
        return None
    what = f"pretrained: there are no weights for {', '.join(lacking)}"
    if having:
        return f"{what}: {only_when('init', 'model', having)}, with scratch under training"
    return f"{what}: use scratch, or a model with an encoder to choose, such as upernet"


def _check_weights(trials: Sequence[TrainSettings]) -> str | None:
    inits = dict.fromkeys(trial.init for trial in trials if trial.weights is not None)
    others = [init for init in inits if init != "pretrained"]
    if not others:
        return None
    what = f"is of no use with init: {', '.join(others)}"
    if "pretrained" in inits:
        return f"{what}: {only_when('weights', 'init', ['pretrained'])}"
    return f"{what}: leave it out, or set init: pretrained"


def has_weights(model: str) -> bool:
    """Are there pretrained weights for a part of it?"""
    return is_classifier(model) or "encoder" in part_named("model", model).names


def _models(
    trials: Sequence[TrainSettings], has: Callable[[str], bool]
) -> tuple[list[str], list[str]]:
    """Return the models of these trials for which `has` is true, and the others."""
    models = list(dict.fromkeys(trial.model for trial in trials))
    having = [model for model in models if has(model)]
    return having, [model for model in models if model not in having]


def only_when(name: str, other: str, allowed: Sequence[str]) -> str:
    """Return how a setting is searched only where another one has one of these values."""
    values = allowed[0] if len(allowed) == 1 else f"[{', '.join(allowed)}]"
    return f"write it under space, as `{name}: {{values: [..], when: {{{other}: {values}}}}}`"
