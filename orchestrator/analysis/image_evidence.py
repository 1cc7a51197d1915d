"""Stored pixel counts and groups of the validation images, for comparisons of networks."""

from collections.abc import Collection, Mapping
from functools import cached_property

from sqlalchemy import Engine

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.facts.scripts import NO_COUNTS, is_by_script
from searchctl.orchestrator.statistics.paired_bootstrap import (
    GroupBootstrap,
    NotAssessable,
    bootstrap_over,
    same_images,
)
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.trainer.core.results import ImageCounts


class ImageEvidence:
    """The pixel counts of a sweep's networks, and the groups of the images; read when needed."""

    def __init__(self, engine: Engine, row: SweepRow) -> None:
        self._engine, self._row = engine, row

    def counts(self, rung: int, trials: Collection[int]) -> dict[int, ImageCounts]:
        """Return the counts of those of these trials that have counts at a rung.

        Raises:
            SearchctlError: some are damaged.
        """
        try:
            return queries.rung_counts(self._engine, self._row, rung, trials)
        except ValueError as error:
            raise SearchctlError(
                f"stored pixel counts of rung {rung} are damaged ({error}): "
                f"`searchctl verify {self._row.name}` names the jobs"
            ) from error

    def draws_for(
        self, counts: Mapping[int, ImageCounts], first: int, second: int
    ) -> GroupBootstrap | NotAssessable:
        """Return the draws for comparing two trials, or why they cannot be compared."""
        if isinstance(self._bootstrap, NotAssessable):
            return self._bootstrap
        if not {first, second} <= counts.keys():
            why = "the pixel counts of one of the two are not stored"
            return NotAssessable(NO_COUNTS if is_by_script(self._row.spec) else why, None)
        scored = len(counts[first].counts)
        if scored != self._bootstrap.images or not same_images(counts[first], counts[second]):
            return NotAssessable("the validation images changed between the two jobs", None)
        return self._bootstrap

    @cached_property
    def _bootstrap(self) -> GroupBootstrap | NotAssessable:
        groups = [group for _, group in queries.val_images(self._engine, self._row)]
        if groups:
            return bootstrap_over(groups)
        why = "the validation images' groups are not stored: an older searchctl launched the sweep"
        return NotAssessable(why, None)
