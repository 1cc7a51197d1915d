"""All settings of a sweep.yaml, checked as a whole."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from searchctl.orchestrator.config.checks.known import known_warnings, prior_of
from searchctl.orchestrator.config.checks.script import AnyTraining, script_problems
from searchctl.orchestrator.config.checks.sections import (
    checked_budget,
    checked_fractions,
    checked_halving,
    checked_inference,
    checked_report,
    checked_task,
)
from searchctl.orchestrator.config.checks.space import (
    checked_search,
    checked_space,
    points_of,
    possible_values,
    read_space,
    trial_problems,
)
from searchctl.orchestrator.config.checks.warnings import process_warnings, sweep_warnings
from searchctl.orchestrator.config.checks.where import draw_problems
from searchctl.orchestrator.config.parsing.reading import read_settings
from searchctl.orchestrator.config.parsing.yaml_source import YamlFile
from searchctl.orchestrator.config.sections.halving import HalvingSettings
from searchctl.orchestrator.config.sections.hooks import HookSettings, LoggerSettings
from searchctl.orchestrator.config.sections.resources import BudgetSettings, ResourceSettings
from searchctl.orchestrator.config.sections.sweep import (
    ReportSettings,
    SearchSettings,
    StorageSettings,
    SweepName,
)
from searchctl.orchestrator.config.spec import spec_hash
from searchctl.orchestrator.draws.points import Point, Prior
from searchctl.searchspace import Params, Space
from searchctl.trainer.data.settings import PLACES, DataSettings, Task
from searchctl.trainer.own_code.files import safe_names
from searchctl.trainer.script.settings import ScriptSettings
from searchctl.trainer.settings.base import Settings
from searchctl.trainer.settings.inference import Inference
from searchctl.trainer.settings.marks import Mark, marked
from searchctl.trainer.settings.refusal import refuse
from searchctl.trainer.settings.training import TrainSettings


class Sweep(Settings):
    """All settings of a sweep.yaml. Every instance is valid and can be launched.

    Raises:
        pydantic.ValidationError: lists every problem. `load_sweep` raises a SweepError instead.
    """

    name: SweepName
    """Name of the sweep, unique in its database. It also names the sweep's directory."""
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] = 0
    """Seed of all randomness: sampled trials, image order, initial weights, augmentation."""
    data: DataSettings
    """The data set."""
    task: Task = Field(default="segmentation", validate_default=True)
    """segmentation: a class for each pixel. classification: a class for each image."""
    training: AnyTraining = TrainSettings()
    """Training settings of every trial, which the params of a trial override; or the `command` or
    `function` of a script of your own."""
    space: dict[str, Any]
    """The search space: axes by the name of a training setting, and `points`."""
    search: SearchSettings = Field(default=SearchSettings(), validate_default=True)
    """How trials are drawn from the search space."""
    halving: HalvingSettings = Field(default=HalvingSettings(), validate_default=True)
    """How the ladder is built, and which score ranks the trials."""
    inference: Inference = Inference()
    """How finalists are scored at the original size of the images."""
    report: ReportSettings = Field(default=ReportSettings(), validate_default=True)
    """Pictures that are kept in addition to the scores."""
    resources: ResourceSettings = ResourceSettings()
    """Resources of a trial, and the cluster on which trials run."""
    budget: BudgetSettings = BudgetSettings()
    """Limits that stop the sweep early."""
    storage: StorageSettings = StorageSettings()
    """Where results and files are stored."""
    hooks: HookSettings = HookSettings()
    """Commands that run when a rung or the sweep ends."""
    loggers: LoggerSettings = LoggerSettings()
    """Loggers that receive every epoch."""
    code: list[str] = Field(default=[])
    """Files and directories of own code that its imports do not show, relative to the sweep file:
    modules that are imported late, tables. What own parts import travels without it."""
    code_files: SkipJsonSchema[Annotated[dict[str, str], AfterValidator(safe_names)]] = Field(
        default={}
    )
    """SHA-256 of each file of own code, by its name. A launch collects them."""
    parameter_counts: SkipJsonSchema[dict[str, int]] = Field(default={})
    """Parameters of each distinct network by `network_of`, if `search.where` needs them. A launch
    counts them."""

    @field_validator("task")
    @classmethod
    def _task_is_that_of_the_data(cls, task: Task, info: ValidationInfo) -> Task:
        return checked_task(task, info.data.get("data"))

    @field_validator("space")
    @classmethod
    def _space_fits(cls, space: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        return checked_space(space, info.data.get("training"))

    @field_validator("search")
    @classmethod
    def _search_fits_the_space(cls, search: SearchSettings, info: ValidationInfo) -> SearchSettings:
        if "space" in info.data and "training" in info.data:
            checked_search(search, info.data["space"], info.data["training"])
        return search

    @field_validator("halving")
    @classmethod
    def _score_fits_the_task(
        cls, halving: HalvingSettings, info: ValidationInfo
    ) -> HalvingSettings:
        halving = checked_halving(
            halving,
            info.data.get("task", "segmentation"),
            info.data.get("data"),
            info.data.get("search"),
            by_script=isinstance(info.data.get("training"), ScriptSettings),
        )
        return checked_fractions(halving, info.data.get("search"))

    @field_validator("report")
    @classmethod
    def _report_fits_the_task(cls, report: ReportSettings, info: ValidationInfo) -> ReportSettings:
        by_script = isinstance(info.data.get("training"), ScriptSettings)
        return checked_report(report, info.data.get("task"), by_script=by_script)

    @field_validator("inference")
    @classmethod
    def _inference_fits_the_task(cls, inference: Inference, info: ValidationInfo) -> Inference:
        return checked_inference(inference, info.data.get("data"))

    @field_validator("budget")
    @classmethod
    def _budget_is_spent_by_something(
        cls, budget: BudgetSettings, info: ValidationInfo
    ) -> BudgetSettings:
        return checked_budget(budget, info.data.get("resources"))

    @model_validator(mode="after")
    def _trials_can_be_trained(self, info: ValidationInfo) -> Self:
        if info.context is not None:  # of a stored sweep, which was checked at its launch
            vars(self)["points"] = info.context["points"]
            return self
        problems = draw_problems(self)
        if not problems and self.script is not None:
            problems = script_problems(self, self.script)
        elif not problems:
            problems = trial_problems(self.space_, self._trials, self.recipe, self.task, self.data)
        if problems:
            raise refuse(problems, self)
        return self

    @property
    def script(self) -> ScriptSettings | None:
        """The user's script that trains; None: our own training does."""
        return self.training if isinstance(self.training, ScriptSettings) else None

    @property
    def recipe(self) -> TrainSettings:
        """Settings of our own training; of a script's, only the epochs mean something."""
        if isinstance(self.training, ScriptSettings):
            return TrainSettings(epochs=self.training.epochs)
        return self.training

    @cached_property
    def space_(self) -> Space:
        """The search space."""
        return read_space(self.space, self.training)

    @cached_property
    def points(self) -> list[Point]:
        """The points of `trials`, in the order of their numbers."""
        return points_of(self.search, self.space_, self.seed, self.prior)

    @cached_property
    def protected(self) -> frozenset[int]:
        """Numbers of the trials that are never cut."""
        known = (n for n, point in enumerate(self.first_points()) if point.origin == "known")
        return frozenset(known if self.halving.protect_known else ())

    @cached_property
    def prior(self) -> Prior:
        """What is known of the search space before any result."""
        return prior_of(self.search, self.space_, self.seed, self.parameter_counts)

    @cached_property
    def _trials(self) -> tuple[Params, ...]:
        return tuple(point.params for point in self.points)

    def trials(self) -> tuple[Params, ...]:
        """Return the params of every trial of the launch, in the order of their numbers.

        Random points stand for those of cohorts that a model will draw from results.
        """
        return self._trials

    def first_points(self) -> list[Point]:
        """Return the points of the first cohort's trials."""
        return self.points[: next(iter(self.search.sizes), None)]

    @property
    def largest_batch(self) -> int:
        """The largest batch size of all trials; no rung may have fewer images."""
        return max(self._batch_sizes)

    @property
    def largest_possible_batch(self) -> int:
        """The largest batch size of the space, which a trial that is drawn later may have."""
        found = possible_values(self.space_, "batch_size")
        return max(self.largest_batch, *(size for size in found if isinstance(size, int)), 1)

    @property
    def _batch_sizes(self) -> set[int]:
        if self.script is not None:
            return {1}  # only the script knows
        sizes = {params.get("batch_size", self.recipe.batch_size) for params in self._trials}
        return {size for size in sizes if isinstance(size, int)}

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about settings that are probably not intended or change what scores mean."""
        known = tuple(known_warnings(self.prior.known))
        if self.script is not None:
            return known
        return (
            *known,
            *sweep_warnings(self.search, self.space_, self._trials, self.halving, self.recipe),
            *process_warnings(self.resources, min(self._batch_sizes)),
        )

    def train_images(self) -> int | None:
        """Return the size of the training split; None if only the files on disk tell it."""
        counts = self.data.counts()
        return None if counts is None else counts["train"]

    def spec(self) -> dict[str, Any]:
        """Return the settings that change results as JSON values: no names, paths or resources."""
        whole = self.to_json()
        parts = {
            key: whole[key]
            for key in ("data", "training", "search", "halving", "inference", "seed")
        }
        parts["data"] = {k: v for k, v in parts["data"].items() if k not in PLACES}
        for name in marked(type(self.training), Mark.NO_NUMBER) - set(self.space_.names):
            parts["training"].pop(name)
        code = {"code": self.code_files} if self.code_files else {}
        return {**parts, **code, "space": self.space_.to_config()}

    @property
    def spec_hash(self) -> str:
        """SHA-256 of the spec. Sweeps with equal specs give equal results."""
        return spec_hash(self.spec())

    def to_json(self) -> dict[str, Any]:
        """Return the whole sweep as JSON values; `from_json` reads it back."""
        return self.model_dump(mode="json", by_alias=True)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read the output of `to_json`.

        Raises:
            SweepError: the values do not fit this version of searchctl.
        """
        return read_settings(cls, YamlFile("stored sweep", dict(values), lines={}))

    @classmethod
    def of_stored(cls, values: Mapping[str, Any], points: Sequence[Point]) -> Self:
        """Read the output of `to_json` for a view: no trial is drawn or checked again.

        Args:
            values: the settings of the sweep.
            points: its stored trials, in the order of their numbers.

        Raises:
            SweepError: the values do not fit this version of searchctl.
        """
        source = YamlFile("stored sweep", dict(values), lines={})
        return read_settings(cls, source, context={"points": list(points)})
