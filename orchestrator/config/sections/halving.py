"""The section halving of a sweep.yaml."""

from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from searchctl.orchestrator.config.parsing.fractions import Share
from searchctl.trainer.scores.catalog import (
    SCORES,
    Direction,
    ScoreName,
    higher_is_better,
)
from searchctl.trainer.settings.base import Settings

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
