"""Runs jobs through Ray Tune: one Tuner for the sweep, one Tune trial for each attempt of a job.

Tune pulls: our searcher hands out the next job, or none while a rung is not full, and records the
results. Tune's own restore, retries and schedulers are not used: the bracket decides, and the
database keeps the state. Tune reports a dead worker as an error, and the driver retries its job.
"""

import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, Self

from ray import tune
from ray.tune.search import Searcher

from searchctl.orchestrator.core.processes import worker_name
from searchctl.orchestrator.executors.base import Source, Stop
from searchctl.orchestrator.executors.job import JobAttempt, Runner, leave_idle, run_safely, train
from searchctl.orchestrator.executors.ray.cluster import (
    Room,
    connected,
    connecting,
    wait_for,
)
from searchctl.orchestrator.executors.ray.head import Head
from searchctl.orchestrator.executors.ray.nodes import SharedLocations, guarded
from searchctl.orchestrator.executors.ray.warm_workers import WarmWorkers
from searchctl.orchestrator.executors.ray.watch import Leave, Watch, leaving_on_error
from searchctl.orchestrator.halving.bracket import Signal
from searchctl.trainer.core.results import EpochRecord, JobResult

log = logging.getLogger("searchctl")

BEGINS_WITHIN_S = 15.0
"""Seconds after which a job that has not started counts as waiting for room: a worker takes some
to start."""

_LONG_S = 60.0
"""Seconds of silence of a job from which on the report of its loss mentions them."""


class RayTuneExecutor:
    """Runs as many jobs at once as the cluster has room for, on workers that are reused."""

    def __init__(
        self,
        *,
        cpus: float = 1,
        gpus: float = 0,
        others: Mapping[str, float] | None = None,
        max_parallel: int | str | None = None,
        address: str | None = None,
        locations: SharedLocations | None = None,
        runner: Runner = train,
    ) -> None:
        """Run jobs with these resources.

        Args:
            cpus: CPUs of one job.
            gpus: GPUs of one job; 0.5 puts two jobs on a card.
            others: other resources of one job, by their names in the cluster.
            max_parallel: most jobs at once, or their share of the cluster's room (`50%`); None: as
                many as there is room for.
            address: of a Ray cluster with this machine as a node; None starts one on this machine
                and ends it afterwards.
            locations: what every node of the cluster must see; None if that is not checked.
            runner: runs a job on a worker.
        """
        self._resources = {"CPU": cpus, **({"GPU": gpus} if gpus else {}), **(others or {})}
        self._max_parallel = max_parallel
        self._address = address
        self._runner = guarded(runner, locations)
        self._wait: Callable[[], Head] | None = None

    @contextmanager
    def connecting(self) -> Iterator[Self]:
        """Connect in a thread before `run`, which then waits for the connection."""
        with connecting(self._address) as self._wait:
            yield self

    def run(self, source: Source, stop: Stop) -> None:
        """Run every job of the source; workers that die are reported to it as lost.

        Raises:
            CannotStart: the cluster cannot be joined, or, without a cluster, this machine has no
                room for a single job.
        """
        with (
            nullcontext(self._wait()) if self._wait else connected(self._address) as head,
            tempfile.TemporaryDirectory(prefix="searchctl-") as folder,
        ):
            joined = self._address is not None
            room = Room(self._resources, self._max_parallel, joined=joined)
            searcher = _JobSearcher(source, room, self._resources, stop, head)
            resources = _group(self._resources)
            of_attempt = partial(_group_of, self._resources)
            trainable = tune.with_resources(_trainable(self._runner), of_attempt)
            try:
                _tuner(trainable, searcher, WarmWorkers(searcher.spare, resources), folder).fit()
            except Leave as leave:
                if leave.__cause__ is not None:
                    raise leave.__cause__ from None
        searcher.abandon()


def _group_of(usual: Mapping[str, float], config: Mapping[str, Any]) -> tune.PlacementGroupFactory:
    return _group(_resources_of(config["job"], usual))


def _resources_of(job: JobAttempt, usual: Mapping[str, float]) -> Mapping[str, float]:
    """Return the resources of an attempt, which may have a whole GPU in place of a share."""
    return {**usual, "GPU": job.gpus} if _is_alone(job, usual) else usual


def _is_alone(job: JobAttempt, usual: Mapping[str, float]) -> bool:
    return job.gpus > usual.get("GPU", 0)


def _group(resources: Mapping[str, float]) -> tune.PlacementGroupFactory:
    """Return resources as a group: in a plain mapping, Tune reserves some names."""
    return tune.PlacementGroupFactory([dict(resources)])


def _tuner(
    trainable: Any, searcher: "_JobSearcher", workers: WarmWorkers, folder: str
) -> tune.Tuner:
    return tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=searcher, scheduler=workers, num_samples=-1, reuse_actors=True
        ),
        run_config=tune.RunConfig(
            storage_path=folder,
            verbose=0,
            stop=_StopAll(searcher.watch),
            failure_config=tune.FailureConfig(max_failures=0),
        ),
    )


class _WorkerUnusable(Exception):
    """Ends a worker whose GPU or memory may be in a bad state: the retry gets a fresh one."""


def _trainable(runner: Runner) -> Callable[[dict[str, Any]], None]:
    def run_attempt(config: dict[str, Any]) -> None:
        tune.report({"worker": worker_name()})
        result = run_safely(runner, config["job"], _report_epoch, _never)
        tune.report({"result": result})
        if result.status in ("lost", "out_of_memory"):
            raise _WorkerUnusable
        leave_idle()

    return run_attempt


def _report_epoch(record: EpochRecord) -> None:
    tune.report({"record": record})


def _never() -> bool:
    """Never stop a worker by itself: Tune ends its process, at any moment of a checkpoint."""
    return False


class _NotSaved:
    """Has no state to save: Tune writes its parts to disk for a restore that is not used."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _StopAll(_NotSaved, tune.Stopper):  # type: ignore[misc]
    """Calls the watch at every step of Tune."""

    def __init__(self, watch: "Watch") -> None:
        self._watch = watch

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        self._watch()
        return False


class _JobSearcher(_NotSaved, Searcher):  # type: ignore[misc]
    """Passes the source's jobs to Tune, which calls these methods by keyword, from one thread."""

    def __init__(
        self,
        source: Source,
        room: Callable[[], int],
        requested: Mapping[str, float],
        stop: Stop,
        head: Head,
    ) -> None:
        super().__init__()
        self.watch = Watch(stop, self.look, head)
        self._source = source
        self._room = room
        self._requested = requested
        self._handed_out: dict[str, float] = {}
        self._heard: dict[str, float] = {}
        self._jobs: dict[str, JobAttempt] = {}
        self._results: dict[str, JobResult] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        self.watch()
        with leaving_on_error():
            if len(self._jobs) >= self._room():
                return None
            job = self._source.next_job()
        if isinstance(job, JobAttempt):
            self._jobs[trial_id] = job
            self._handed_out[trial_id] = time.monotonic()
            return {"job": job}
        return str(Searcher.FINISHED) if job is Signal.DONE else None

    def spare(self, ended: int) -> int:
        """Return how many workers without a job may get one soon.

        `ended` is the number of jobs that have ended and that are not completed here yet.
        """
        if any(_is_alone(self._jobs[each], self._requested) for each in self._handed_out):
            return 0  # a job waits for the GPU that the idle workers share
        with leaving_on_error():
            running = len(self._jobs) - ended
            return max(0, min(self._source.upcoming(), self._room()) - running)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        self._heard[trial_id] = time.monotonic()
        with leaving_on_error():
            if "worker" in result:
                self._handed_out.pop(trial_id, None)
                self._source.started(self._jobs[trial_id], result["worker"])
            elif "record" in result:
                self._source.on_epoch(self._jobs[trial_id], result["record"])
            elif "result" in result:
                self._results[trial_id] = result["result"]

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        job, found = self._jobs.pop(trial_id), self._results.pop(trial_id, None)
        self._handed_out.pop(trial_id, None)
        silent_s = time.monotonic() - self._heard.pop(trial_id, time.monotonic())
        with leaving_on_error():
            if found is not None:
                self._source.record(job, found)
            else:
                after = f", {silent_s:.0f} s after its last report" if silent_s > _LONG_S else ""
                self._source.lost(job, f"the worker died or was taken away{after}")

    def look(self) -> None:
        """Report the jobs that have waited for longer than a worker takes to start."""
        since = time.monotonic() - BEGINS_WITHIN_S
        late = [self._jobs[each] for each, at in self._handed_out.items() if at < since]
        largest = max(late, key=lambda job: job.gpus, default=None)
        requested = _resources_of(largest, self._requested) if largest else self._requested
        # a job is handed out only when there is a node for it
        count = len(late) if self._jobs or self._room() else 1
        self._source.waiting(wait_for(count, requested) if count else None)

    def abandon(self) -> None:
        """Report the jobs that ran at the stop, which Tune does not."""
        for trial_id, job in self._jobs.items():
            if trial_id in self._results:
                self._source.record(job, self._results[trial_id])
            else:
                self._source.lost(job, "stopped")
