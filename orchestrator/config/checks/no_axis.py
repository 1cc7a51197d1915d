"""Why some settings cannot be axes of a search space."""

from collections.abc import Iterator
from typing import get_args

from searchctl.orchestrator.config.sections.halving import HalvingSettings
from searchctl.orchestrator.config.sections.resources import BudgetSettings, ResourceSettings
from searchctl.orchestrator.config.sections.sweep import (
    ReportSettings,
    SearchSettings,
    StorageSettings,
)
from searchctl.trainer.data.settings import CatalogData, OwnData
from searchctl.trainer.settings.base import Settings
from searchctl.trainer.settings.inference import Inference
from searchctl.trainer.settings.marks import NoAxis, marks_of
from searchctl.trainer.settings.training import TrainSettings

_SECTIONS: dict[str, tuple[type[Settings], ...]] = {
    "data": (*get_args(get_args(CatalogData)[0]), OwnData),
    "search": (SearchSettings,),
    "halving": (HalvingSettings,),
    "inference": (Inference,),
    "report": (ReportSettings,),
    "resources": (ResourceSettings,),
    "budget": (BudgetSettings,),
    "storage": (StorageSettings,),
}


def _reasons() -> Iterator[tuple[str, str]]:
    """Yield each name that cannot be an axis, with the reason and the fix."""
    for section, models in _SECTIONS.items():
        for name, field in ((n, f) for model in models for n, f in model.model_fields.items()):
            yield field.alias or name, f"is the same for all trials: write it under {section}"
    for name, mark in marks_of(TrainSettings, NoAxis):
        yield TrainSettings.model_fields[name].alias or name, mark.why
    yield (
        "image_size",
        "is the same for all trials, since scores at several sizes cannot be compared: write it "
        "under data; for other sizes launch other sweeps, and compare their finalists at the "
        "original size",
    )
    yield (
        "seed",
        "would rank the trials by chance: write one seed at the top, and use halving.repeats to "
        "train the finalists with others",
    )


_SEARCHABLE = {
    field.alias or name
    for name, field in TrainSettings.model_fields.items()
    if not any(isinstance(mark, NoAxis) for mark in field.metadata)
}
NO_AXIS = {name: why for name, why in _reasons() if name not in _SEARCHABLE}
"""Name of a setting that cannot be an axis -> the reason and the fix."""
