"""Idle share of a cluster due to the barriers of the synchronous ladder, without a database."""

from statistics import mean
from typing import Any

from upath import UPath

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.orchestrator.halving.bracket import Signal
from searchctl.orchestrator.halving.cohorts import only_cohort
from searchctl.orchestrator.halving.follow_up import NO_FOLLOW_UP
from searchctl.orchestrator.halving.job_key import key_of
from searchctl.orchestrator.halving.rule import Outcome
from searchctl.orchestrator.halving.schedule import Schedule
from searchctl.orchestrator.planning.plan import plan_sweep
from searchctl.trainer.core.results import EpochRecord, JobResult
from searchctl.trainer.data.settings import Sample

from .accounts import accounts
from .cluster import Capacity, Faults, SimulatedCluster
from .measuring import Scenario
from .training import Training

TRIALS = 1000
SEEDS = range(3)


class ScheduleSource:
    """Hands out a schedule's jobs and records their outcomes, as the driver does, but in memory."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._params = sweep.trials()
        self._schedule = Schedule(only_cohort(plan_sweep(sweep).ladder, "maximize"), NO_FOLLOW_UP)

    def next_job(self) -> JobAttempt | Signal:
        """Return the schedule's next job."""
        slot = self._schedule.next_job()
        if isinstance(slot, Signal):
            return slot
        return JobAttempt(
            trial=slot.trial,
            rung=slot.rung.number,
            token="",
            params=self._params[slot.trial],
            settings=self._sweep.training,
            sample=Sample(self._sweep.data, slot.rung.images, 0),
            fraction=slot.rung.fraction,
            out=UPath("unused"),
            inference=self._sweep.inference,
            gpus=1,
        )

    def record(self, job: JobAttempt, result: JobResult) -> None:
        """Report the outcome to the schedule."""
        outcome = Outcome(job.trial, job.rung, result.score, seconds=result.seconds)
        self._schedule.record(key_of(job), outcome)

    def lost(self, job: JobAttempt, error: str) -> None:
        """Return the job to the schedule for another worker."""
        self._schedule.release(key_of(job))

    def started(self, job: JobAttempt, worker: str) -> None:
        """Keep nothing of it."""

    def on_epoch(self, job: JobAttempt, record: EpochRecord) -> None:
        """Keep nothing of it."""


def idle() -> dict[str, Any]:
    """Return the shares over the cluster's size, the spread of the trials' costs, and eta."""
    usual = {"workers": 100, "spread": 0.5, "eta": 2, "speeds": 0.15}
    return {
        "what": f"{TRIALS} trials; means over {len(SEEDS)} seeds",
        "usual": usual,
        "workers": [shares(**{**usual, "workers": each}) for each in (10, 30, 100, 300, 1000)],
        "spread": [shares(**{**usual, "spread": each}) for each in (0.0, 0.25, 0.5, 1.0)],
        "speeds": [shares(**{**usual, "speeds": each}) for each in (0.0, 0.15, 0.5)],
        "eta": [shares(**{**usual, "eta": each}) for each in (2, 3, 4)],
        "spot": [shares(**usual, spot_hours=each) for each in (2.0, 0.5, 0.1)],
    }


def shares(
    workers: int, spread: float, eta: int, speeds: float, spot_hours: float | None = None
) -> dict[str, Any]:
    """Return the mean shares of one kind of sweep and cluster."""
    faults = Faults(spot_hours=spot_hours, spot_nodes=1) if spot_hours else Faults()
    runs = [_run(workers, spread, eta, Capacity(workers, speeds, faults, seed)) for seed in SEEDS]
    settings = {"workers": workers, "spread": spread, "eta": eta, "speeds": speeds}
    shown = ("virtual_hours", "ideal_to_virtual", "idle_share", "waiting_share", "lost_share")
    means = {name: round(mean(run[name] for run in runs), 3) for name in shown}
    by_rung = [round(mean(r), 3) for r in zip(*map(_waiting, runs), strict=False)]
    spot = {"spot_hours": spot_hours} if spot_hours else {}
    return {**settings, **spot, **means, "waiting_share_by_rung": by_rung}


def _run(workers: int, spread: float, eta: int, capacity: Capacity) -> dict[str, Any]:
    training = Training(seed=capacity.seed, spread=spread)
    scenario = Scenario(TRIALS, capacity, training, eta=eta)
    cluster = SimulatedCluster(capacity, training)
    cluster.run(ScheduleSource(scenario.sweep()), lambda: False)
    return accounts(cluster)


def _waiting(run: dict[str, Any]) -> list[float]:
    return [rung["waiting_share"] for rung in run["rungs"]]
