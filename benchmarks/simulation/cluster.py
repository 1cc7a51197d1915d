"""A simulated cluster: an executor with a virtual clock, workers and faults, without training.

    next_job -> starts after start_s -> an epoch, another, .. -> the result -> the next job
                     (all of it faster on a fast worker)
    faults: a worker dies | a result never arrives | several spot nodes are preempted at once

A heap has the events by time. The simulation is deterministic: it has no threads and no real clock.
A retried job continues from the last complete epoch, as from a checkpoint.
"""

import heapq
import itertools
import math
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from searchctl.orchestrator.driver.attempts import BACK_OFF_S
from searchctl.orchestrator.executors.base import Source, Stop
from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.orchestrator.halving.bracket import Signal
from searchctl.orchestrator.halving.job_key import JobKey, key_of

from .training import Training


@dataclass(frozen=True)
class Faults:
    """How often the cluster fails; by default never."""

    worker_hours: float = math.inf
    """Mean hours until one worker dies; a new one replaces it after `away_s`."""
    lost_results: float = 0.0
    """Share of the results that never arrive because the worker dies."""
    spot_hours: float = math.inf
    """Mean hours until a group of nodes is preempted at once."""
    spot_nodes: int = 4
    """Number of nodes that are preempted together."""
    away_s: float = 600.0
    """Seconds until a lost worker is replaced."""


@dataclass(frozen=True)
class Capacity:
    """The workers, eight to a node, each with one GPU."""

    workers: int
    spread: float = 0.0
    """Standard deviation of the natural logarithm of their speeds."""
    faults: Faults = Faults()
    seed: int = 0
    node: int = 8

    def speeds(self) -> list[float]:
        """Return the workers' speeds; the median is 1."""
        rng = random.Random(f"{self.seed} speeds")
        return [math.exp(rng.gauss(0, self.spread)) for _ in range(self.workers)]


@dataclass
class Stint:
    """An interval in which a worker held a job, or was absent."""

    worker: int
    began: float
    ended: float
    job: JobKey | None
    """The job; None if the worker was absent."""
    useful: float = 0.0
    """Seconds that led to a result, or to an epoch from which a retry continued."""


@dataclass
class _Worker:
    number: int
    speed: float
    job: JobAttempt | None = None
    began: float = 0.0
    kept: float = 0.0
    """Time of its job's last complete epoch."""
    life: int = 0
    """Counts its jobs and deaths; events of an earlier life are ignored."""
    away: bool = False


@dataclass
class SimulatedCluster:
    """Runs a source's jobs on a virtual clock."""

    capacity: Capacity
    training: Training
    now: float = 0.0
    """Virtual seconds since the start."""
    stints: list[Stint] = field(default_factory=list)
    losses: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Create the workers, all of them free."""
        self._workers = [_Worker(*each) for each in enumerate(self.capacity.speeds())]
        self._free = deque(self._workers)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._epochs: Counter[JobKey] = Counter()
        self._rng = random.Random(f"{self.capacity.seed} faults")

    def clock(self) -> float:
        """Return the virtual time, in seconds."""
        return self.now

    def run(self, source: Source, stop: Stop) -> None:
        """Run every job of the source."""
        self._source = source
        faults = self.capacity.faults
        self._again(faults.worker_hours / self.capacity.workers, self._one_dies)
        self._again(faults.spot_hours, self._nodes_are_taken)
        while not stop() and self._hand_out() is not Signal.DONE:
            self.now, _, event = heapq.heappop(self._events)
            event()

    def _hand_out(self) -> Signal:
        """Assign jobs to free workers while there are both."""
        while self._free:
            job = self._source.next_job()
            if isinstance(job, Signal):
                return job
            self._begin(self._free.popleft(), job)
        return Signal.WAIT

    def _begin(self, worker: _Worker, job: JobAttempt) -> None:
        worker.job, worker.began, worker.kept = job, self.now, self.now
        worker.life += 1
        self._source.started(job, f"node-{worker.number // self.capacity.node}:{worker.number}")
        self._schedule_next(worker, self.training.start_s)

    def _schedule_next(self, worker: _Worker, already: float = 0.0) -> None:
        """Schedule the worker's next epoch, or its result after the last epoch."""
        job, epochs = worker.job, self._epochs
        assert job is not None
        if epochs[key_of(job)] < job.settings.epochs:
            seconds = already + self.training.epoch_seconds(job) / worker.speed
            self._in(seconds, self._living(worker, self._epoch_ends))
        else:
            self._in(already, self._living(worker, self._job_ends))

    def _epoch_ends(self, worker: _Worker) -> None:
        job, worker.kept = worker.job, self.now
        assert job is not None
        self._epochs[key_of(job)] += 1
        self._source.on_epoch(job, self.training.record(job, self._epochs[key_of(job)]))
        self._schedule_next(worker)

    def _job_ends(self, worker: _Worker) -> None:
        job = worker.job
        assert job is not None
        if self._rng.random() < self.capacity.faults.lost_results:
            self._die(worker, "a result never arrived")
            return
        self._leave_job(worker, self.now)
        self._free.append(worker)
        result = self.training.result(job, 1)
        took = result.seconds / worker.speed
        self._source.record(job, replace(result, seconds=took, gpu_seconds=took))

    def _leave_job(self, worker: _Worker, kept: float) -> None:
        assert worker.job is not None
        key, useful = key_of(worker.job), kept - worker.began
        self.stints.append(Stint(worker.number, worker.began, self.now, key, useful))
        worker.job = None
        worker.life += 1

    def _die(self, worker: _Worker, why: str) -> None:
        """Let a worker die, together with its job; it is replaced after a while."""
        if worker.away:
            return
        worker.away = True
        self.losses[why] += 1
        if (job := worker.job) is None:
            self._free.remove(worker)
        else:
            self._leave_job(worker, worker.kept)
            self._source.lost(job, why)
            # the job becomes available after one of these pauses: wake up the loop then
            for pause in BACK_OFF_S:
                self._in(pause, lambda: None)
        away = self.capacity.faults.away_s
        self.stints.append(Stint(worker.number, self.now, self.now + away, None))
        self._in(away, partial(self._come_back, worker))

    def _come_back(self, worker: _Worker) -> None:
        worker.away = False
        self._free.append(worker)

    def _one_dies(self) -> None:
        self._die(self._rng.choice(self._workers), "a worker died")

    def _nodes_are_taken(self) -> None:
        group = self.capacity.faults.spot_nodes * self.capacity.node
        first = self._rng.randrange(0, self.capacity.workers, group)
        for worker in self._workers[first : first + group]:
            self._die(worker, "its spot node was taken")

    def _again(self, hours: float, fault: Callable[[], None]) -> None:
        """Repeat a fault at exponentially distributed intervals with a mean of `hours`."""
        if math.isinf(hours):
            return

        def happens() -> None:
            fault()
            self._again(hours, fault)

        self._in(self._rng.expovariate(1 / (3600 * hours)), happens)

    def _living(self, worker: _Worker, event: Callable[[_Worker], None]) -> Callable[[], None]:
        """Return an event that does nothing if the worker no longer has this job."""
        life = worker.life
        return lambda: event(worker) if worker.life == life else None

    def _in(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._count), event))
