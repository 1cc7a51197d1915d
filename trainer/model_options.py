"""Which settings go with which model; torch-free, so that a sweep.yaml is checked at once."""

from trainer.catalog import MODELS
from trainer.settings import TrainSettings

OPTIONS = tuple(dict.fromkeys(name for model in MODELS.values() for name in model.options))
ASKED = ("model", *OPTIONS, "init", "weights")
"""The settings that are looked at."""


def option_problems(settings: TrainSettings) -> list[tuple[str, str]]:
    """Return (setting, problem) for every setting that the model does not have.

    No single setting is wrong by itself: that is why this is asked of whole trials.
    """
    options = MODELS[settings.model].options if settings.model in MODELS else ()
    given = [name for name in OPTIONS if getattr(settings, name) is not None]
    has = f"{settings.model} has {', '.join(options)}" if options else f"{settings.model} has none"
    mend = "leave it out, or search it under space with a `when: {model: ..}`"
    return [
        *((name, f"is no setting of {settings.model} ({has}): {mend}")
          for name in given if name not in options),
        *_weights_problems(settings, encoder="encoder" in options),
    ]  # fmt: skip


def _weights_problems(settings: TrainSettings, *, encoder: bool) -> list[tuple[str, str]]:
    problems = []
    if settings.init == "pretrained" and not encoder:
        problems.append(("init", f"pretrained: there are no weights for {settings.model}"))
    if settings.weights is not None and settings.init != "pretrained":
        problems.append(("weights", f"is for init: pretrained, not for init: {settings.init}"))
    return problems
