"""Continues a sweep from what is stored: who drives it now, its study, and its decisions."""

from collections.abc import Iterable, Sequence
from typing import Any

from searchctl.orchestrator.config.fingerprint import versions
from searchctl.orchestrator.config.spec import differences
from searchctl.orchestrator.core.cluster_address import submission
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.core.processes import worker_name
from searchctl.orchestrator.driver.lease import Lease
from searchctl.orchestrator.facts.cohorts import rung_name
from searchctl.orchestrator.halving.bracket import BracketError
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.run.assembly import Parts
from searchctl.orchestrator.run.preparation.new_sweep import val_images
from searchctl.orchestrator.run.preparation.prepare import Prepared
from searchctl.orchestrator.search.mirror import mirror_all
from searchctl.orchestrator.search.study import StudyMirror
from searchctl.orchestrator.storage.faults import full, unreachable
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import AttemptRow, JobRow
from searchctl.orchestrator.storage.writes.writer import SweepWriter
from searchctl.trainer.data.fingerprints import data_fingerprint
from searchctl.trainer.data.opening import build_dataset


def take_over(prepared: Prepared, writer: SweepWriter, lease: Lease) -> None:
    """Record who drives from now on, and close the attempts that a dead driver left open."""
    sweep, row = prepared.sweep, prepared.row
    abandoned = writer.close_open_attempts("its driver ended before it", lease.last_heard)
    # what decided the stored results stays as it was stored, without defaults of newer versions
    spec = {**sweep.to_json(), "halving": row.spec["halving"]}
    if spec != row.spec or prepared.changes:
        fingerprint, initial = data_fingerprint(sweep.data), prepared.initial.to_json()
        images = val_images(build_dataset(sweep.data))
        writer.replace_spec(spec, sweep.spec_hash, versions(), fingerprint, initial, images)
    changed = differences(row.spec, spec)
    submitted = {"job": job} if (job := submission()) else {}
    closed = {"closed": _last_closed(prepared)} if prepared.changes else {}
    writer.note(
        "driver",
        driver=worker_name(),
        **submitted,
        versions=versions(),
        abandoned=abandoned,
        changed=changed,
        accepted=list(prepared.changes),
        **closed,
    )


def _last_closed(prepared: Prepared) -> str:
    """Return the name of the rung that was closed last; empty if none was."""
    engine, row = prepared.engine, prepared.row
    decisions = queries.decisions(engine, row)
    if not decisions:
        return ""
    (trial,) = queries.trials(engine, row, decisions[-1].trial)
    return rung_name(decisions[-1].rung, trial.cohort if row.cohorts > 1 else None)


def open_mirror(prepared: Prepared) -> StudyMirror:
    """Open the sweep's Optuna study.

    Raises:
        SearchctlError: it cannot be opened.
    """
    sweep, row = prepared.sweep, prepared.row

    def drawn() -> dict[int, dict[str, Any]]:
        trials = queries.trials(prepared.engine, row)
        return {each.number: {"cohort": each.cohort, "origin": each.origin} for each in trials}

    try:
        return StudyMirror(prepared.url, sweep.name, row.direction, sweep.space_, drawn)
    except Exception as error:
        if full(error) or unreachable(error):
            raise
        raise SearchctlError(
            f"cannot open the Optuna study '{sweep.name}' in the database: {error}; if another "
            f"program made it, rename it; then `searchctl resume {sweep.name}`"
        ) from error


def replay(parts: Parts, jobs: Sequence[JobRow], attempts: Sequence[AttemptRow]) -> None:
    """Replay the stored results, and mirror them.

    Raises:
        SearchctlError: they do not give the stored decisions.
    """
    prepared = parts.prepared
    stored = queries.decisions(prepared.engine, prepared.row)
    try:
        follows = _by_trial(parts.driver.replay(jobs, attempts)) == _by_trial(stored)
    except BracketError:  # a result of a trial that these scores would have dropped
        follows = False
    if not follows:
        raise SearchctlError(
            f"the stored decisions of '{prepared.sweep.name}' do not follow from its stored "
            f"scores: the database was changed by hand (`searchctl verify {prepared.sweep.name}` "
            "says where); restore a backup"
        )
    mirror_all(parts.mirror, prepared.sweep, parts.trials, jobs, attempts, stored)


def _by_trial(decisions: Iterable[Decision]) -> list[Decision]:
    """Sort decisions: those of several cohorts are made in any order."""
    return sorted(decisions, key=lambda decision: (decision.trial, decision.rung))
