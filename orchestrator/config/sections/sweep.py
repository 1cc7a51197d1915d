"""The name and the sections search, report and storage of a sweep.yaml."""

import re
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from searchctl.orchestrator.config.locations import holds_password, with_variables
from searchctl.orchestrator.config.parsing.foreign import METHODS, foreign_keys
from searchctl.orchestrator.config.parsing.fractions import Part
from searchctl.trainer.settings.base import Settings
from searchctl.trainer.settings.refusal import refuse


def _slug(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise ValueError(
            f"'{name}' cannot name a directory: use up to 100 letters, digits, '-', '_' and '.', "
            "and start with a letter or a digit"
        )
    return name


SweepName = Annotated[str, AfterValidator(_slug)]
"""A name of a sweep, which also names its directory."""


class SearchSettings(Settings):
    """How trials are drawn from the search space."""

    method: Literal["grid", "random", "quasi_random", "tpe"] = "grid"
    """grid: every point. random: independent points. quasi_random: evenly spread points. tpe: the
    first cohorts at random, later ones by Optuna's TPE from the results of earlier ones."""
    trials: (
        Annotated[int, Field(ge=1)]
        | Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=1000)]
        | None
    ) = Field(default=None, validate_default=True)
    """Number of trials of each cohort, or a list with one number per cohort; not allowed for a
    grid."""
    lag: Annotated[int, Field(ge=1, le=2)] = 2
    """2: a cohort starts when the one before the last has ended, so that its first rungs use the
    workers that the last rungs of the one before leave idle. 1: one cohort after the other."""
    cohorts: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, validate_default=True
    )
    """Number of cohorts, by default one. Each has trials and a ladder of its own."""
    random_share: Part = Fraction(1, 3)
    """Share of a cohort that is drawn at random where a model draws the others (method tpe)."""
    known: Annotated[list[dict[str, Any]], Field(max_length=1000)] = Field(default=[])
    """Points that are tried in any case, as the first trials: what you use today, or what worked
    elsewhere, such as {lr: 1e-3, weight_decay: 1e-4}. Values that a point leaves out are drawn."""
    known_share: Part | None = Field(default=None, validate_default=True)
    """Share of the drawn trials that is drawn near a known point: numbers from a normal
    distribution around its own, choices with a raised probability. Default: 1/3 with known points.
    0 draws all trials from the whole space. Not allowed for a grid."""
    where: Annotated[list[str], Field(max_length=100)] = Field(default=[])
    """Conditions that every trial satisfies, such as "batch_size * accumulate == 64": comparisons
    of axes, training settings and `parameters` (of the network; a launch counts them), joined by
    and, or, not. A grid leaves out the other points; draws are repeated."""

    @model_validator(mode="before")
    @classmethod
    def _keys_are_ours(cls, written: Any) -> Any:
        if problems := list(foreign_keys(written)):
            raise refuse(problems, written)
        return written

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of trials of each cohort; empty for a grid, which has one cohort."""
        if self.trials is None:
            return ()
        if isinstance(self.trials, int):
            return (self.trials,) * (self.cohorts or 1)
        return tuple(self.trials)

    @field_validator("method", mode="before")
    @classmethod
    def _is_no_method_of_other_tools(cls, method: object) -> object:
        ours = METHODS.get(str(method).lower())
        if ours:
            raise ValueError(f"{method} is not a method here: write `{ours}`")
        return method

    @field_validator("known_share")
    @classmethod
    def _is_a_share_of_draws(cls, share: Fraction | None, info: ValidationInfo) -> Fraction | None:
        if share and info.data.get("method") == "grid":
            raise ValueError("a grid uses every point: leave it out, or set method: random")
        if share and info.data.get("known") == []:
            raise ValueError("needs a known point: add known: [{..}], or leave it out")
        return share

    @property
    def share_near_known(self) -> Fraction:
        """Share of the drawn trials that is drawn near a known point."""
        if self.known_share is None:
            return Fraction(1, 3) if self.known and self.method != "grid" else Fraction(0)
        return self.known_share

    @field_validator("trials")
    @classmethod
    def _fits_the_method(
        cls, trials: int | list[int] | None, info: ValidationInfo
    ) -> int | list[int] | None:
        method = info.data.get("method")
        if method == "grid" and trials is not None:
            raise ValueError("a grid uses every point: leave it out, or set method: random")
        if method not in ("grid", None) and trials is None:
            raise ValueError(f"is missing: set how many points {method} draws, e.g. trials: 32")
        return trials

    @field_validator("cohorts")
    @classmethod
    def _fit_the_trials(cls, cohorts: int | None, info: ValidationInfo) -> int | None:
        trials, method = info.data.get("trials"), info.data.get("method")
        if method == "grid" and (cohorts or 1) > 1:
            raise ValueError("a grid is one cohort: leave it out, or set method: random")
        if isinstance(trials, list) and cohorts not in (None, len(trials)):
            raise ValueError(f"is {cohorts}, but trials lists {len(trials)} cohorts: leave it out")
        count = len(trials) if isinstance(trials, list) else cohorts or 1
        lag = info.data.get("lag", 2)
        if method == "tpe" and trials is not None and count <= lag:
            raise ValueError(
                f"is {count}, which leaves none to tpe: it learns from cohorts that have ended, so "
                f"the first {lag} (lag) are drawn at random. Set cohorts: {lag + 2} (trials is the "
                "number of each), or method: random"
            )
        return cohorts


class ReportSettings(Settings):
    """Pictures that are kept in addition to the scores. They change no result."""

    images: Annotated[int, Field(ge=0, le=50)] | list[str] = 3
    """Validation images whose predicted masks are drawn (masks.png) for each trial at each rung:
    a number of images, spread evenly over the split, or a list of names. For finalists, the first,
    the middle and the last epoch are drawn. Segmentation only."""
    features: bool = False
    """Whether to draw the embeddings of the validation images at the first, the middle and the last
    epoch: the inputs of the last layer, reduced to two dimensions by PCA and t-SNE, colored by
    class (features.png). Needs searchctl[features]. Classification only."""

    @property
    def wanted_images(self) -> int | tuple[str, ...]:
        """The setting `images` as an immutable value, which jobs carry."""
        return self.images if isinstance(self.images, int) else tuple(self.images)


def _without_password(url: str) -> str:
    if holds_password(url):
        raise ValueError(
            "must not hold a password, since the file is stored: put the URL into "
            "$SEARCHCTL_DB_URL and write url: ${SEARCHCTL_DB_URL}, or leave it out"
        )
    return url


class StorageSettings(Settings):
    """Where results and files are stored. Resume a sweep in a moved database with --db."""

    url: Annotated[str, Field(min_length=1), AfterValidator(_without_password)] | None = None
    """URL of the database. `${NAME}` is replaced by an environment variable; only its name is
    stored. A literal password is refused."""
    runs: str = "runs"
    """Directory of checkpoints and other files. Every node that runs trials must see it. A URL such
    as s3://bucket/runs needs its package to be installed (here s3fs)."""
    reuse: bool = True
    """Copy the results of jobs that a sweep of the same database has trained on equal hardware,
    instead of training them again."""

    def database_url(self) -> str | None:
        """Return the URL with its environment variables filled in.

        Raises:
            KeyError: a variable is not set.
        """
        return self.url and with_variables(self.url)
