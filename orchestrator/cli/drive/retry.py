"""What `resume --retry-failed` says of the failed trials of a sweep."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from searchctl.orchestrator.facts.text import counted
from searchctl.trainer.core.errors import first_few

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from searchctl.orchestrator.run.additions.retry import Failed
    from searchctl.orchestrator.storage.rows import SweepRow
    from searchctl.orchestrator.storage.writes.cohorts import NewCohort


def entered_again(engine: "Engine", row: "SweepRow") -> Iterator[str]:
    """Enter the failed trials of a sweep again; yield what is done with each, for users."""
    from searchctl.orchestrator.run.additions.retry import retry_failed

    failed, cohort = retry_failed(engine, row)
    for key in failed.open:
        yield f"trial {key.trial}: trained again on {key.place}, which is not closed"
    if cohort:
        yield _line(cohort)
    if not failed.open and not cohort:
        yield f"'{row.name}' has no failed trial to retry"
    if failed.diverged:
        yield _diverged(failed)


def _line(cohort: "NewCohort") -> str:
    """Say which trials a cohort tries again, and on what."""
    rungs = " -> ".join(f"{rung['trials']} on {rung['images']} images" for rung in cohort.ladder)
    trials = first_few([*map(str, cohort.retried)], 10)
    return f"cohort {cohort.number}: {counted(cohort.trials, 'trial')} again ({trials}), {rungs}"


def _diverged(failed: "Failed") -> str:
    trials = first_few([*map(str, failed.diverged)], 10)
    return (
        f"not retried: {counted(len(failed.diverged), 'trial')} diverged ({trials}), and with the "
        "same settings, data and seed would diverge again"
    )
