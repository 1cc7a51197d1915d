"""The sections search, halving, report and storage of a sweep.yaml."""

from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from searchctl.orchestrator.config.locations import holds_password, with_variables
from searchctl.orchestrator.config.parsing.foreign import METHODS, foreign_keys
from searchctl.orchestrator.config.parsing.fractions import Part, Share
from searchctl.trainer.scores.catalog import (
    SCORES,
    Direction,
    ScoreName,
    higher_is_better,
)
from searchctl.trainer.settings.base import Settings
from searchctl.trainer.settings.refusal import refuse


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


_Score = Annotated[
    ScoreName,
    # the score of a script may have any name
    WithJsonSchema({"anyOf": [{"enum": list(SCORES)}, {"type": "string", "minLength": 1}]}),
]


class LimitSettings(Settings):
    """Limits on what is measured of a trial. A trial that exceeds one is ranked below all others.

    A value is measured once per network and type of hardware, by the first job that has it.
    """

    latency_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Most milliseconds of inference for one image: at image_size, or at its original size as
    `inference:` says, where that is set. The median of several passes, on the trials' hardware."""
    memory_gb: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Most memory that a training may take at its peak, in units of 1e9 bytes: what torch allocates
    on a GPU; on a CPU the resident memory of the whole process, libraries included."""

    @model_validator(mode="after")
    def _limit_something(self) -> Self:
        if self.latency_ms is None and self.memory_gb is None:
            raise ValueError("limits nothing: write latency_ms: 20 or memory_gb: 10")
        return self


class HalvingSettings(Settings):
    """How the ladder is built, and which score ranks the trials."""

    eta: Annotated[int, Field(ge=2, le=1_000_000)] = 2
    """Reduction factor: each cut keeps one in eta trials."""
    finalists: Annotated[int, Field(ge=1, le=1_000_000)] = 2
    """Number of trials on the last rung, which uses all of the data."""
    keep: Literal["floor", "ceil", "all"] = "floor"
    """Rounding of n / eta: floor keeps 4 of 9, ceil keeps 5. all: nothing is cut, and every trial
    is trained on every rung, as `searchctl calibrate` does."""
    min_fraction: Share | Annotated[list[Share], Field(min_length=1, max_length=1000)] | None = None
    """Smallest fraction of the training images; lower rungs are left out. A list has one fraction
    per cohort: with `search.trials` as a list, that is Hyperband."""
    fractions: Annotated[list[Share], Field(min_length=1, max_length=64)] | None = None
    """Fractions of all rungs in place of the computed ones: increasing, the last one 1."""
    score: _Score | Annotated[list[_Score], Field(min_length=1, max_length=20)] = "val_miou"
    """Score that ranks the trials of a rung: val_miou, val_dice, val_class_accuracy, val_worst_iou,
    val_fwiou, val_accuracy or val_loss; of chosen classes as val_dice:car+person; a function of
    one's own as my_metrics:name; or what a script reports. Of a list, the first one ranks, and the
    others are recorded. Default for classification: val_accuracy."""
    direction: Direction | None = None
    """Whether a higher (max) or a lower (min) score is better. Needed for a function of one's own
    and for what a script reports."""
    continue_: Annotated[Literal["retrain", "warm"], Field(alias="continue")] = "retrain"
    """retrain: fresh weights at every rung. warm: start from the trial's weights of the rung
    below."""
    protect_known: bool = False
    """Whether the points of `search.known` are never cut: they are trained on every rung beside the
    planned trials, so that the winner is compared with them on all of the data."""
    limits: LimitSettings | None = None
    """Limits on what is measured of each trial, such as {latency_ms: 20, memory_gb: 10}. Trials
    that exceed one are ranked below all others, and climb only to places that no other takes."""
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    """Number of seeds with which each finalist is trained, the sweep's own seed included, after the
    ladder. They measure the variance over seeds, and change no cut."""
    choose: Literal["best", "mean"] = "best"
    """Which finalist wins. best: the one with the best score. mean: the one with the best mean over
    the seeds of `repeats`; one that diverged or failed with a seed is behind those that did not."""
    audit: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Number of pruned trials, drawn at random, that are trained on all of the data after the
    ladder. They and the winner have a new seed, and show whether a cut dropped a better trial."""

    @property
    def scores(self) -> tuple[ScoreName, ...]:
        """All scores that are recorded; the first one ranks the trials."""
        return (self.score,) if isinstance(self.score, str) else tuple(self.score)

    @property
    def ranked_by(self) -> ScoreName:
        """The score that ranks the trials of a rung."""
        return self.scores[0]

    def smallest_fraction(self, cohort: int) -> Fraction | None:
        """Return the smallest fraction of a cohort; those after the list have its last one."""
        given = self.min_fraction
        return given[min(cohort, len(given) - 1)] if isinstance(given, list) else given

    @property
    def higher_is_better(self) -> bool:
        """Whether a higher score is better."""
        return higher_is_better(self.ranked_by, self.direction)

    @field_validator("score")
    @classmethod
    def _no_score_twice(cls, score: ScoreName | list[ScoreName]) -> ScoreName | list[ScoreName]:
        twice = [each for each in score if score.count(each) > 1]
        if twice and not isinstance(score, str):
            raise ValueError(f"lists {twice[0]} twice: leave one out")
        return score

    @field_validator("repeats", "audit")
    @classmethod
    def _need_retraining(cls, count: int, info: ValidationInfo) -> int:
        if info.data.get("continue_") == "warm" and count > (info.field_name == "repeats"):
            raise ValueError(
                "needs continue: retrain: with continue: warm, a trial would have to climb the "
                "whole ladder for it"
            )
        return count

    @field_validator("choose")
    @classmethod
    def _has_seeds(cls, choose: str, info: ValidationInfo) -> str:
        if choose == "mean" and info.data.get("repeats", 2) < 2:
            raise ValueError("mean is over several seeds: write `repeats: 3` beside it")
        return choose

    @field_validator("eta", mode="before")
    @classmethod
    def _drops_some(cls, eta: Any) -> Any:
        if eta == 1:
            raise ValueError("eta 1 would drop no trial: use 2 or more")
        return eta

    @field_validator("fractions")
    @classmethod
    def _climb_to_one(
        cls, fractions: list[Fraction] | None, info: ValidationInfo
    ) -> list[Fraction] | None:
        if fractions is None:
            return None
        if any(low >= high for low, high in pairwise(fractions)):
            raise ValueError("must increase from rung to rung, such as [1/8, 1/4, 1/2, 1]")
        if fractions[-1] != 1:
            raise ValueError("must end with 1: the finalists are trained on all of the data")
        if info.data.get("min_fraction") is not None:
            raise ValueError("excludes min_fraction: leave one of the two out")
        return fractions


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
