"""Exports a trial's configuration as YAML or JSON, and reads it back for `searchctl train`."""

import json
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from upath import UPath

from searchctl.orchestrator.artifacts.initial_files import InitialFiles
from searchctl.orchestrator.config.checks.script import AnyTraining
from searchctl.orchestrator.config.checks.sections import checked_inference
from searchctl.orchestrator.config.parsing.reading import read_settings
from searchctl.orchestrator.config.parsing.yaml_source import dump_yaml, load_yaml
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.own_code.names import names_used
from searchctl.orchestrator.own_code.stored import FOLDER, stored_code
from searchctl.orchestrator.storage.reads.ranking import RankedTrial
from searchctl.trainer.data.settings import DataSettings
from searchctl.trainer.own_code.files import OwnCode, safe_names
from searchctl.trainer.scores.catalog import Direction, ScoreName, name_problem
from searchctl.trainer.settings.base import Settings
from searchctl.trainer.settings.batch import Batch
from searchctl.trainer.settings.inference import Inference
from searchctl.trainer.settings.training import TrainSettings
from searchctl.trainer.trained.description import Source


class Origin(Settings):
    """Where an exported configuration comes from."""

    sweep: str
    trial: int
    rank: int
    rung: int
    images: int
    score: float
    mean: float | None = None
    """Mean score over several seeds, if the winner was chosen by it."""
    exceeds: str | None = None
    """The limits of the sweep (`halving.limits`) that it exceeds, in words."""
    changes: Annotated[tuple[str, ...], Field(exclude=True)] = ()
    """Settings that the command line replaced, in words; never in a file."""


class ExportedCode(Settings):
    """The user's own code that a configuration needs."""

    folder: str
    """Directory of its files; a relative one is beside the configuration."""
    files: Annotated[dict[str, str], AfterValidator(safe_names)]
    """SHA-256 of each file by its name. To train with changed files, remove `code` and start
    `searchctl train` in their directory."""


class Exported(Settings):
    """All settings that `searchctl train` needs. It does not read the database."""

    exported_from: Origin | None = None
    """The sweep and trial."""
    seed: int = 0
    """The sweep's seed. With the same seed and data, training gives the finalist's numbers."""
    score: ScoreName = "val_miou"
    """The score that selects the best epoch."""
    direction: Annotated[Direction | None, Field(validate_default=True)] = None
    """Whether a higher or a lower score is better, where searchctl does not know it."""
    data: DataSettings
    """The data set."""
    inference: Inference = Inference()
    """How images are predicted at the original size of their labels."""
    training: AnyTraining
    """The training settings, or the script, of the sweep with the trial's params."""
    code: ExportedCode | None = None
    """The own code of its parts."""

    @field_validator("direction")
    @classmethod
    def _score_is_known(cls, direction: Direction | None, info: ValidationInfo) -> Direction | None:
        problem = name_problem(info.data["score"]) if "score" in info.data else ""
        if problem and direction is None:
            raise ValueError(f"is missing: {problem}")
        return direction

    @field_validator("inference")
    @classmethod
    def _inference_fits_the_task(cls, inference: Inference, info: ValidationInfo) -> Inference:
        return checked_inference(inference, info.data.get("data"))

    @property
    def own_code(self) -> OwnCode | None:
        """The own code of its parts, unread."""
        if self.code is None:
            return None
        return OwnCode(UPath(self.code.folder), tuple(self.code.files.items()))

    @property
    def source(self) -> Source | None:
        """The trial that it is of, for model cards."""
        origin = self.exported_from
        return Source(sweep=origin.sweep, trial=origin.trial) if origin else None

    @property
    def shown_score(self) -> ScoreName:
        """The score that displays show for an epoch; in classification, the accuracy."""
        return "val_accuracy" if self.data.task == "classification" else self.score


def export(sweep: Sweep, ranked: RankedTrial, initial: InitialFiles) -> Exported:
    """Return the configuration of a ranked trial of a sweep.

    Initial weights and own code refer to the copies among the sweep's files, since `train` reads no
    database.
    """
    settings = sweep.training.with_params(ranked.params)
    if isinstance(settings, TrainSettings):
        settings = initial.named_in(settings)
        settings = Batch(**ranked.batch).within(settings) if ranked.batch else settings
    code = None
    uses_code = not isinstance(settings, TrainSettings) or names_used(sweep, [settings])
    if sweep.code_files and uses_code:
        stored = stored_code(sweep.code_files, initial.runs, "")
        code = ExportedCode(folder=str(stored.folder), files=sweep.code_files)
    return Exported(
        exported_from=Origin(
            sweep=sweep.name,
            trial=ranked.trial,
            rank=ranked.rank,
            rung=ranked.rung,
            images=ranked.images,
            score=ranked.score,
            mean=ranked.mean,
            exceeds=ranked.violation or None,
        ),
        seed=sweep.seed,
        score=sweep.halving.ranked_by,
        direction=sweep.halving.direction,
        data=sweep.data,
        inference=sweep.inference,
        training=settings,
        code=code,
    )


def as_text(configurations: list[Exported], fmt: str) -> str:
    """Return configurations as a stream of YAML documents, or as JSON (a list if several)."""
    values = [_values(item) for item in configurations]
    if fmt == "json":
        return json.dumps(values[0] if len(values) == 1 else values, indent=2) + "\n"
    stream = StringIO()
    for index, value in enumerate(values):
        stream.write("---\n" if index else "")
        dump_yaml(value, stream)
    return stream.getvalue()


def _values(item: Exported) -> dict[str, Any]:
    values = item.model_dump(mode="json", by_alias=True)
    return values if item.code else {key: value for key, value in values.items() if key != "code"}


def write(
    configurations: list[Exported], fmt: str, path: Path, *, overwrite: bool = False
) -> list[Path]:
    """Write one file per configuration: `path`, or path-1, path-2, ... if there are several.

    Own code is written to the directory `code` beside them.

    Raises:
        SearchctlError: a file is there already with another content and `overwrite` is not set, or
            cannot be written; or `code` holds other code.
    """
    if len(configurations) == 1:
        paths = [path]
    else:
        ranks = range(1, len(configurations) + 1)
        paths = [path.with_stem(f"{path.stem}-{rank}") for rank in ranks]
    for target, item in zip(paths, configurations, strict=True):
        try:
            text = as_text([_with_code_beside(item, target)], fmt)
            if not overwrite and target.is_file() and target.read_bytes() != text.encode():
                raise SearchctlError(
                    f"{target} is there already, and differs: name another file with -o, or "
                    "replace it with --overwrite"
                )
            target.write_text(text)
        except OSError as error:
            raise SearchctlError(
                f"cannot write {target}: {error.strerror}; name another file with -o"
            ) from error
    return paths


def _with_code_beside(item: Exported, target: Path) -> Exported:
    if item.own_code is None or item.code is None:
        return item
    for name, content in item.own_code.contents().items():
        place = target.parent / FOLDER / name
        if place.is_file() and place.read_bytes() != content:
            raise SearchctlError(
                f"{place} is there already, and differs from the sweep's: name a file in another "
                "directory with -o"
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return item.model_copy(update={"code": item.code.model_copy(update={"folder": FOLDER})})


def _changed(exported: Exported, changes: list[str]) -> Exported:
    if exported.exported_from is None:
        return exported
    origin = exported.exported_from.model_copy(update={"changes": tuple(changes)})
    return exported.model_copy(update={"exported_from": origin})


def read_exported(
    path: Path, *, epochs: int | None = None, seed: int | None = None, data_root: str | None = None
) -> Exported:
    """Read an exported configuration and apply the options of the command line.

    Raises:
        SweepError: the file cannot be read or is invalid; lists each problem with its line.
    """
    source = load_yaml(path)
    changes = []
    for section, name, value in (("training", "epochs", epochs), ("data", "root", data_root)):
        written = source.value.get(section)
        if value is None or not isinstance(written, dict):  # validation refuses the latter below
            continue
        if name != "root" or "root" in written:  # synthetic data sets have no directory
            source.value[section] = {**written, name: value}
        if name == "epochs" and written.get(name) != value:
            changes.append(f"`epochs` {value} instead of {written.get(name)}")
    if seed is not None and source.value.get("seed", 0) != seed:
        changes.append(f"`seed` {seed} instead of {source.value.get('seed', 0)}")
        source.value["seed"] = seed
    exported = _changed(read_settings(Exported, source), changes)
    if exported.code is None or "://" in exported.code.folder:
        return exported
    folder = str(path.absolute().parent / exported.code.folder)
    return exported.model_copy(update={"code": exported.code.model_copy(update={"folder": folder})})
