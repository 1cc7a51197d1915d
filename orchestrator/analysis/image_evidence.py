"""Stored pixel counts and groups of the validation images, for comparisons of networks."""

import math
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import NamedTuple

from sqlalchemy import Engine

from searchctl.orchestrator.artifacts.directory import runs_directory
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.facts.scripts import NO_COUNTS, is_by_script
from searchctl.orchestrator.own_code.sweep_code import code_of_row
from searchctl.orchestrator.statistics.paired_bootstrap import (
    GroupBootstrap,
    NotAssessable,
    bootstrap_over,
    same_images,
)
from searchctl.orchestrator.storage.reads import image_scores
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.scores import ranked_by, recorded
from searchctl.trainer.core.errors import CodeError, SettingsError
from searchctl.trainer.core.results import ImageCounts
from searchctl.trainer.own_code.imports import use_code
from searchctl.trainer.scores.base import Score
from searchctl.trainer.scores.build import build_score
from searchctl.trainer.scores.catalog import ScoreName, known_score


class ScoredDraws(NamedTuple):
    """The draws of a sweep's validation set, and the score that ranks its trials."""

    bootstrap: GroupBootstrap
    score: Score


def stored_score(row: SweepRow) -> Score | NotAssessable:
    """Return the score that ranks a stored sweep's trials, ready to be computed; or why not."""
    return _stored(ranked_by(row.spec), row)


def recorded_scores(row: SweepRow) -> list[Score | NotAssessable]:
    """Return the other scores of a stored sweep likewise."""
    return [_stored(name, row) for name in recorded(row.spec)]


def _stored(name: ScoreName, row: SweepRow) -> Score | NotAssessable:
    if known_score(name) is not None:
        return build_score(name, row.classes)
    if is_by_script(row.spec):
        return NotAssessable(f"{name} is reported by a script, and not computed from counts", None)
    sweep = Sweep.from_json(row.spec)
    try:
        use_code(code_of_row(row, sweep, runs_directory(sweep)))
        return build_score(name, row.classes, "max" if row.direction == "maximize" else "min")
    except (SettingsError, CodeError, OSError) as error:
        return NotAssessable(f"the score cannot be computed: {error}", None)


class ImageEvidence:
    """The pixel counts of a sweep's networks, and the groups of the images; read when needed."""

    def __init__(self, engine: Engine, row: SweepRow) -> None:
        self._engine, self._row = engine, row

    def counts(
        self, rung: int | None, trials: Collection[int], images: int | None = None
    ) -> dict[int, ImageCounts]:
        """Return the counts of those of these trials that have counts at a rung.

        With `images` in place of a rung, those of the jobs on so many training images.

        Raises:
            SearchctlError: some are damaged.
        """
        try:
            return image_scores.rung_counts(self._engine, self._row, rung, trials, images)
        except ValueError as error:
            where = f"on {images} images" if rung is None else f"of rung {rung}"
            raise SearchctlError(
                f"stored pixel counts {where} are damaged ({error}): "
                f"`searchctl verify {self._row.name}` names the jobs"
            ) from error

    def draws_for(
        self, counts: Mapping[int, ImageCounts], first: int, second: int
    ) -> ScoredDraws | NotAssessable:
        """Return the draws for comparing two trials, or why they cannot be compared."""
        if isinstance(self._score, NotAssessable):
            return self._score
        if isinstance(self._bootstrap, NotAssessable):
            return self._bootstrap
        if not {first, second} <= counts.keys():
            why = "the pixel counts of one of the two are not stored"
            return NotAssessable(NO_COUNTS if is_by_script(self._row.spec) else why, None)
        scored = len(counts[first].counts)
        if scored != self._bootstrap.images or not same_images(counts[first], counts[second]):
            return NotAssessable("the validation images changed between the two jobs", None)
        if not math.isfinite(self._score.of(counts[first]) - self._score.of(counts[second])):
            return NotAssessable(f"the stored counts do not determine {self._score.name}", None)
        return ScoredDraws(self._bootstrap, self._score)

    @cached_property
    def _score(self) -> Score | NotAssessable:
        return stored_score(self._row)

    @cached_property
    def _bootstrap(self) -> GroupBootstrap | NotAssessable:
        groups = [group for _, group in image_scores.val_images(self._engine, self._row)]
        if groups:
            return bootstrap_over(groups)
        why = "the validation images' groups are not stored: an older searchctl launched the sweep"
        return NotAssessable(why, None)
