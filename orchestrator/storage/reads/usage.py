"""Which running jobs hold a cluster's resources, over all sweeps of a database."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select

from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.lease import is_held
from searchctl.orchestrator.storage.reads.common import fetch


@dataclass(frozen=True)
class RunningJob:
    """A job that holds resources now."""

    sweep: str
    worker: str
    """Node and process id."""
    gpus: float
    started_at: datetime

    @property
    def node(self) -> str:
        """The node that it runs on."""
        return self.worker.rpartition(":")[0] or self.worker


def jobs_of_driven_sweeps(engine: Engine) -> list[RunningJob]:
    """Return the running jobs of all sweeps that are being driven, the oldest first."""
    sweeps, attempts = schema.sweeps, schema.attempts
    query = (
        select(sweeps.c.name.label("sweep"), attempts.c.worker, attempts.c.gpus)
        .add_columns(attempts.c.started_at)
        .join(schema.trials, schema.trials.c.sweep_id == sweeps.c.id)
        .join(schema.jobs, schema.jobs.c.trial_id == schema.trials.c.id)
        .join(attempts, attempts.c.job_id == schema.jobs.c.id)
        .where(attempts.c.outcome.is_(None), attempts.c.worker.is_not(None))
        .where(is_held(sweeps.c.lease_expires))
        .order_by(attempts.c.started_at)
    )
    rows = fetch(engine, query)
    return [RunningJob(**{**row, "gpus": row["gpus"] or 0.0}) for row in rows]
