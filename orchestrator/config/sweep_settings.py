"""The sections of a sweep.yaml that the orchestrator owns: search, halving, resources, storage."""

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from searchctl.orchestrator.config.locations import holds_password, with_variables
from searchctl.trainer.settings.base import Settings
from searchctl.trainer.settings.training import Score


def _fraction(written: Any) -> Fraction:
    # repr gives back the digits that a float was written with, so that 0.1 is exactly 1/10
    text = repr(written) if isinstance(written, float) else str(written)
    try:
        fraction = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"must be a fraction such as 1/16 or 0.0625, not {written!r}") from None
    if not 0 < fraction <= 1:
        raise ValueError(f"must be above 0 and not above 1, not {written}")
    return fraction


Share = Annotated[
    Fraction,
    BeforeValidator(_fraction),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
                {"type": "string", "pattern": r"^[0-9]+\s*/\s*[0-9]+$|^[0-9]*\.?[0-9]+$"},
            ]
        }
    ),
]
"""A share of the training images, exact: 1/16, or 0.0625."""


class SearchSettings(Settings):
    """How the points of the space become trials."""

    method: Literal["grid", "random", "quasi_random"] = "grid"
    """grid: every point. random: independent points. quasi_random: points spread evenly."""
    trials: Annotated[int, Field(ge=1)] | None = Field(default=None, validate_default=True)
    """How many points to draw; not for a grid."""

    @field_validator("trials")
    @classmethod
    def _fits_the_method(cls, trials: int | None, info: ValidationInfo) -> int | None:
        method = info.data.get("method")
        if method == "grid" and trials is not None:
            raise ValueError("a grid tries every point: leave it out, or set method: random")
        if method in ("random", "quasi_random") and trials is None:
            raise ValueError(f"is missing: say how many points {method} draws, e.g. trials: 32")
        return trials


class HalvingSettings(Settings):
    """How the ladder is built, and by what trials are ranked."""

    eta: Annotated[int, Field(ge=2)] = 2
    """Reduction factor: one in eta is kept at each rung."""
    finalists: Annotated[int, Field(ge=1)] = 2
    """How many trials are trained on all of the data."""
    keep: Literal["floor", "ceil"] = "floor"
    """How n / eta is rounded: floor keeps 4 of 9, ceil keeps 5."""
    min_fraction: Share | None = None
    """The smallest share of the images to begin with; shortens the ladder from the bottom."""
    fractions: Annotated[list[Share], Field(min_length=1)] | None = None
    """The shares of all rungs by hand, increasing, the last one 1."""
    score: Score = "val_miou"
    """The number by which trials of a rung are ranked: val_miou, val_loss or val_accuracy; in
    classification, val_accuracy if left out."""
    continue_: Annotated[Literal["retrain", "warm"], Field(alias="continue")] = "retrain"
    """retrain: fresh weights at every rung. warm: from the trial's weights of the rung below."""
    repeats: Annotated[int, Field(ge=1)] = 1
    """After the ladder, train each finalist with so many seeds in all, to see how much of a score
    is chance; 1 trains none again. Changes no decision."""
    audit: Annotated[int, Field(ge=0)] = 0
    """After the ladder, train so many of the pruned trials, drawn at random, on all of the data, to
    see whether the cuts dropped a better one. Changes no decision."""

    @field_validator("repeats", "audit")
    @classmethod
    def _start_afresh(cls, asked: int, info: ValidationInfo) -> int:
        if info.data.get("continue_") == "warm" and asked > (info.field_name == "repeats"):
            raise ValueError(
                "needs continue: retrain: with continue: warm, a trial would have to climb the "
                "whole ladder for it"
            )
        return asked

    @field_validator("eta", mode="before")
    @classmethod
    def _drops_some(cls, eta: Any) -> Any:
        if eta == 1:
            raise ValueError("eta 1 would drop nobody: use 2 or more")
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
    """What is kept of trials beside their scores. Changes nothing that is computed."""

    images: Annotated[int, Field(ge=0, le=50)] | list[str] = 3
    """Validation images whose predicted masks are drawn (masks.png) for each trial at each rung,
    and of finalists at the first, the middle and the last epoch: so many, spread over their order,
    or a list of names. Segmentation only."""
    features: bool = False
    """Whether to draw the validation images as the classifier sees them, at the first, the middle
    and the last epoch: the values before its last layer, on a plane by PCA and t-SNE, coloured by
    class (features.png). Needs searchctl[features]. Classification only."""

    @property
    def wanted_images(self) -> int | tuple[str, ...]:
        """The images, as jobs carry them."""
        return self.images if isinstance(self.images, int) else tuple(self.images)


_SPAN = re.compile(r"(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m)?")


def read_moment(written: Any) -> datetime:
    """Read a deadline: a time span from now (8h, 1d12h, 90m), or a moment, local if unsaid.

    Raises:
        ValueError: it is neither.
    """
    text = str(written).strip()
    if text and (span := _SPAN.fullmatch(text)):
        days, hours, minutes = (int(part or 0) for part in span.groups())
        try:
            return datetime.now(UTC) + timedelta(days=days, hours=hours, minutes=minutes)
        except OverflowError:
            raise ValueError(f"is too far away: {written!r}") from None
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        fix = "such as 2026-11-30 18:00, or a time span of days, hours and minutes: 1d12h, 90m"
        raise ValueError(f"must be a moment {fix}, not {written!r}") from None


Deadline = Annotated[
    datetime, BeforeValidator(read_moment), WithJsonSchema({"type": "string"}, mode="validation")
]
"""A moment with its time zone."""


class BudgetSettings(Settings):
    """What ends a sweep before its end, ready to be resumed. May change when it is."""

    deadline: Deadline | None = None
    """When to stop: a moment (2026-11-30 18:00, local time if no zone is said), or a time span from
    the launch (8h, 1d12h)."""
    gpu_hours: Annotated[float, Field(gt=0)] | None = None
    """Most GPU hours that trials may hold, lost attempts counted; 0.5 GPUs for 1 h are 0.5."""
    disk_gb: Annotated[float, Field(gt=0)] | None = None
    """Most disk space of the sweep's files, in units of 1e9 bytes."""


def _without_password(url: str) -> str:
    if holds_password(url):
        raise ValueError(
            "must not hold a password, since the file is stored: put the URL into "
            "$SEARCHCTL_DB_URL and write url: ${SEARCHCTL_DB_URL}, or leave it out"
        )
    return url


class StorageSettings(Settings):
    """Where results are kept. A sweep that moved is resumed with --db."""

    url: Annotated[str, Field(min_length=1), AfterValidator(_without_password)] | None = None
    """URL of the database. `${NAME}` stands for an environment variable, for secrets: what is
    stored is the name. A password that is written out is refused."""
    runs: str = "runs"
    """Directory of checkpoints and other files, seen by every node that runs trials; or a URL such
    as s3://bucket/runs (with the package for it installed, here s3fs)."""

    def database_url(self) -> str | None:
        """Return the URL with its environment variables filled in.

        Raises:
            KeyError: one of them is not set.
        """
        return self.url and with_variables(self.url)
