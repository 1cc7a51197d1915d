"""A configuration taken out of a sweep: written as YAML or JSON, and read back by `train`."""

import json
from io import StringIO
from pathlib import Path

from pydantic import ValidationInfo, field_validator

from searchctl.orchestrator.artifacts.initial_files import InitialFiles
from searchctl.orchestrator.config.reading import read_settings
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.config.sweep_checks import checked_inference
from searchctl.orchestrator.config.yaml_source import dump_yaml, load_yaml
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.facts.ranking import Ranked
from searchctl.trainer.data.settings import DataSettings
from searchctl.trainer.settings.base import Settings
from searchctl.trainer.settings.inference import Inference
from searchctl.trainer.settings.training import Score, TrainSettings


class Origin(Settings):
    """Where an exported configuration comes from."""

    sweep: str
    trial: int
    rank: int
    rung: int
    images: int
    score: float


class Exported(Settings):
    """Everything that `searchctl train` needs, without the database."""

    exported_from: Origin | None = None
    """The sweep and trial; for people, and for the seeds, which depend on the rung."""
    seed: int = 0
    """The sweep's seed. With the same seed and data, training gives the finalist's numbers."""
    score: Score = "val_miou"
    """The number by which the best epoch is chosen."""
    data: DataSettings
    """What is trained on."""
    inference: Inference = Inference()
    """How images are predicted at their labels' original size."""
    training: TrainSettings
    """The base settings of the sweep with the trial's params in their place."""

    @field_validator("inference")
    @classmethod
    def _inference_fits_the_task(cls, inference: Inference, info: ValidationInfo) -> Inference:
        return checked_inference(inference, info.data.get("data"))

    @property
    def shown_score(self) -> Score:
        """By what score an epoch is shown: the accuracy, in classification."""
        return "val_accuracy" if self.data.task == "classification" else self.score


def export(sweep: Sweep, ranked: Ranked, initial: InitialFiles) -> Exported:
    """Return the configuration of a ranked trial of a sweep.

    Initial weights are named by the files that the sweep keeps: `train` asks no database.
    """
    return Exported(
        exported_from=Origin(
            sweep=sweep.name,
            trial=ranked.trial,
            rank=ranked.rank,
            rung=ranked.rung,
            images=ranked.images,
            score=ranked.score,
        ),
        seed=sweep.seed,
        score=sweep.halving.score,
        data=sweep.data,
        inference=sweep.inference,
        training=initial.named_in(sweep.training.with_params(ranked.params)),
    )


def as_text(configurations: list[Exported], fmt: str) -> str:
    """Write configurations as a stream of YAML documents, or as JSON (a list, if several)."""
    values = [item.model_dump(mode="json", by_alias=True) for item in configurations]
    if fmt == "json":
        return json.dumps(values[0] if len(values) == 1 else values, indent=2) + "\n"
    stream = StringIO()
    for index, value in enumerate(values):
        stream.write("---\n" if index else "")
        dump_yaml(value, stream)
    return stream.getvalue()


def write(configurations: list[Exported], fmt: str, path: Path) -> list[Path]:
    """Write one file per configuration: `path`, or path-1, path-2, ... if there are several.

    Raises:
        SearchctlError: a file cannot be written.
    """
    if len(configurations) == 1:
        paths = [path]
    else:
        ranks = range(1, len(configurations) + 1)
        paths = [path.with_stem(f"{path.stem}-{rank}") for rank in ranks]
    for target, item in zip(paths, configurations, strict=True):
        try:
            target.write_text(as_text([item], fmt))
        except OSError as error:
            raise SearchctlError(
                f"cannot write {target}: {error.strerror}; name another file with -o"
            ) from error
    return paths


def read_exported(
    path: Path, *, epochs: int | None = None, seed: int | None = None, data_root: str | None = None
) -> Exported:
    """Read an exported configuration, with what the command line changes of it.

    Raises:
        SweepError: the file cannot be read or does not fit; each problem with its line.
    """
    source = load_yaml(path)
    for section, name, value in (("training", "epochs", epochs), ("data", "root", data_root)):
        written = source.value.get(section)
        if value is None or not isinstance(written, dict):  # the latter is refused below
            continue
        if name != "root" or "root" in written:  # scenes are drawn: nowhere to find them
            source.value[section] = {**written, name: value}
    if seed is not None:
        source.value["seed"] = seed
    return read_settings(Exported, source)
