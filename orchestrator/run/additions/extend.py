"""Adds cohorts to a stored sweep. No stored decision changes, and the next driver trains them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError, SweepBusy
from searchctl.orchestrator.driver.lease import Lease
from searchctl.orchestrator.facts.text import counted
from searchctl.orchestrator.halving.cohorts import sources_of
from searchctl.orchestrator.planning.ladders import cohort_ladder
from searchctl.orchestrator.run.cohorts import new_cohort
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import CohortRow, SweepRow, TrialRow
from searchctl.orchestrator.storage.writes.cohorts import NewCohort
from searchctl.orchestrator.storage.writes.writer import SweepWriter

_OPEN = ("WAITING", "RUNNING")


@dataclass(frozen=True)
class Extension:
    """How much is added to a sweep."""

    trials: int | None = None
    """Trials of each new cohort; as many as the last cohort has, if None."""
    cohorts: int = 1
    """Number of new cohorts."""


def extend(engine: Engine, row: SweepRow, extension: Extension) -> list[NewCohort]:
    """Request further cohorts of a sweep, whether it has ended or not; return them.

    They are drawn from all cohorts that are closed now, and from each other as in a launch.

    Raises:
        SearchctlError: the sweep cannot be extended.
        SweepBusy: a driver runs it.
    """
    refuse_driven(row, "extend it")
    sweep = Sweep.from_json(row.spec)
    with Lease(engine, row.id) as lease:
        new = _new_cohorts(engine, row, sweep, extension)
        SweepWriter(engine, row.id, lease.token, lease.ttl_s).request_cohorts(new)
    return new


def refuse_driven(row: SweepRow, then: str) -> None:
    """Check that no driver runs a sweep.

    Args:
        row: the sweep.
        then: what the user can do once it is stopped.

    Raises:
        SweepBusy: a driver runs it.
    """
    if row.driver is not None:
        raise SweepBusy(
            f"'{row.name}' is being driven by {row.driver}: stop it first (`searchctl stop "
            f"{row.name} --wait`, nothing is lost), then {then}"
        )


def _new_cohorts(
    engine: Engine, row: SweepRow, sweep: Sweep, extension: Extension
) -> list[NewCohort]:
    cohorts, trials = queries.cohorts(engine, row), queries.trials(engine, row)
    size = extension.trials or cohorts[-1].trials
    _refuse(sweep, row, size * extension.cohorts)
    return _requested(sweep, row, cohorts, _closed(cohorts, trials), [size] * extension.cohorts)


def extension_for(edited: Sweep, launched: Sweep, row: SweepRow) -> Extension | None:
    """Return what an edited file adds to its stored sweep; None if it has other changes of search.

    The extension has no cohort if the sweep was extended already by what the file asks for.
    """
    sizes, before = edited.search.sizes, launched.search.sizes
    counts = {"trials": launched.search.trials, "cohorts": launched.search.cohorts}
    if not before or edited.search.model_copy(update=counts) != launched.search:
        return None
    missing = sum(sizes) - row.points
    if missing < 0 or edited.space_.to_config() != launched.space_.to_config():
        return None
    if missing and len(sizes) > len(before) and missing % sizes[-1] == 0:
        return Extension(sizes[-1], missing // sizes[-1])
    return Extension(missing, 1) if missing else Extension(cohorts=0)


def extend_command(name: str, extension: Extension) -> str:
    """Return the command that extends a sweep."""
    cohorts = f" --cohorts {extension.cohorts}" * (extension.cohorts > 1)
    return f"searchctl extend {name} --trials {extension.trials}{cohorts}"


def _refuse(sweep: Sweep, row: SweepRow, wanted: int) -> None:
    if row.state == "FAIL":
        raise SearchctlError(
            f"'{row.name}' has no trial with a score, so there is nothing to extend: fix the "
            "cause, and enter its failed trials again (`searchctl resume "
            f"{row.name} --retry-failed`), or launch other settings under another name"
        )
    if sweep.search.method == "grid":
        raise SearchctlError(
            f"'{row.name}' is a grid, which has every point of its space already: launch the added "
            "values as another sweep (finished jobs are copied from this one, not trained again)"
        )
    size = sweep.space_.size
    if size is not None and size - row.points < wanted:
        raise SearchctlError(
            f"the space of '{row.name}' has {counted(size, 'point')}, and {row.points} of them are "
            f"trials already: extend it by at most {max(size - row.points, 0)}"
        )


def _closed(cohorts: Sequence[CohortRow], trials: Sequence[TrialRow]) -> list[int]:
    running = {trial.cohort for trial in trials if trial.state in _OPEN}
    return [c.number for c in cohorts if c.drawn_at is not None and c.number not in running]


def _requested(
    sweep: Sweep,
    row: SweepRow,
    cohorts: Sequence[CohortRow],
    closed: Sequence[int],
    sizes: Sequence[int],
) -> list[NewCohort]:
    images, batch = row.ladder[-1]["images"], sweep.largest_possible_batch
    request = max(cohort.request for cohort in cohorts) + 1
    new = []
    for number, size in enumerate(sizes, len(cohorts)):
        ladder = cohort_ladder(sweep, number, size, images, batch)
        sources = sources_of(number, sweep.search.lag, closed)
        new.append(new_cohort(sweep, number, ladder, sources, request))
    return new
