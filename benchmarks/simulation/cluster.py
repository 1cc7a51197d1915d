"""A cluster that trains nothing: an executor with a virtual clock, workers and faults.

    next_job -> starts after start_s -> an epoch, another, .. -> the result -> the next job
                     (all of it sooner on a quick worker)
    faults: a worker dies | a result never arrives | spot nodes are taken, several at once

Events lie in a heap by their moment. What happens is the same whenever it is simulated: no thread,
no real clock. A job that is tried again goes on from the last whole epoch, as from a checkpoint.
"""

import heapq
import itertools
import math
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from searchctl.orchestrator.executors.base import Source, Stop
from searchctl.orchestrator.executors.job import Job
from searchctl.orchestrator.halving.bracket import Signal
from searchctl.orchestrator.halving.job_key import JobKey, key_of
from searchctl.orchestrator.run.driver import BACK_OFF_S

from .training import Training


@dataclass(frozen=True)
class Faults:
    """How often the cluster fails; never, unless said."""

    worker_hours: float = math.inf
    """Mean time until one worker dies; its place is taken by a new one after `away_s`."""
    lost_results: float = 0.0
    """Share of the results that never arrive: the worker dies with them."""
    spot_hours: float = math.inf
    """Mean time until a group of nodes is taken away at once."""
    spot_nodes: int = 4
    away_s: float = 600.0
    """Seconds until a worker that is gone is there again."""


@dataclass(frozen=True)
class Capacity:
    """The workers, eight to a node, each with one GPU."""

    workers: int
    spread: float = 0.0
    """Of their speeds: standard deviation of the natural logarithm."""
    faults: Faults = Faults()
    seed: int = 0
    node: int = 8

    def speeds(self) -> list[float]:
        """Return the workers' speeds; 1 is the median's."""
        rng = random.Random(f"{self.seed} speeds")
        return [math.exp(rng.gauss(0, self.spread)) for _ in range(self.workers)]


@dataclass
class Stint:
    """How long a worker held a job, or was away."""

    worker: int
    began: float
    ended: float
    job: JobKey | None
    """None: it was away."""
    useful: float = 0.0
    """Seconds of it that came to a result, or to an epoch that was gone on from."""


@dataclass
class _Worker:
    number: int
    speed: float
    job: Job | None = None
    began: float = 0.0
    kept: float = 0.0
    """Moment of its job's last whole epoch."""
    life: int = 0
    """Counts its jobs and deaths: news of an earlier life is void."""
    away: bool = False


@dataclass
class SimulatedCluster:
    """Runs a source's jobs on a virtual clock."""

    fleet: Capacity
    training: Training
    now: float = 0.0
    """Virtual seconds since the beginning."""
    stints: list[Stint] = field(default_factory=list)
    losses: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Put all workers in their places."""
        self._workers = [_Worker(*each) for each in enumerate(self.fleet.speeds())]
        self._free = deque(self._workers)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._epochs: Counter[JobKey] = Counter()
        self._rng = random.Random(f"{self.fleet.seed} faults")

    def clock(self) -> float:
        """Return the virtual time, in seconds."""
        return self.now

    def run(self, source: Source, stop: Stop) -> None:
        """Run every job of the source."""
        self._source = source
        faults = self.fleet.faults
        self._again(faults.worker_hours / self.fleet.workers, self._one_dies)
        self._again(faults.spot_hours, self._nodes_are_taken)
        while not stop() and self._hand_out() is not Signal.DONE:
            self.now, _, event = heapq.heappop(self._events)
            event()

    def _hand_out(self) -> Signal:
        """Give free workers jobs as long as there are any."""
        while self._free:
            job = self._source.next_job()
            if isinstance(job, Signal):
                return job
            self._begin(self._free.popleft(), job)
        return Signal.WAIT

    def _begin(self, worker: _Worker, job: Job) -> None:
        worker.job, worker.began, worker.kept = job, self.now, self.now
        worker.life += 1
        self._source.started(job, f"node-{worker.number // self.fleet.node}:{worker.number}")
        self._go_on(worker, self.training.start_s)

    def _go_on(self, worker: _Worker, already: float = 0.0) -> None:
        """Let the worker's next epoch come, or its result after the last one."""
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
        self._go_on(worker)

    def _job_ends(self, worker: _Worker) -> None:
        job = worker.job
        assert job is not None
        if self._rng.random() < self.fleet.faults.lost_results:
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
        """End a worker, and its job with it; another one is there after a while."""
        if worker.away:
            return
        worker.away = True
        self.losses[why] += 1
        if (job := worker.job) is None:
            self._free.remove(worker)
        else:
            self._leave_job(worker, worker.kept)
            self._source.lost(job, why)
            for pause in BACK_OFF_S:  # the job waits so long: ask for it again then
                self._in(pause, lambda: None)
        away = self.fleet.faults.away_s
        self.stints.append(Stint(worker.number, self.now, self.now + away, None))
        self._in(away, partial(self._come_back, worker))

    def _come_back(self, worker: _Worker) -> None:
        worker.away = False
        self._free.append(worker)

    def _one_dies(self) -> None:
        self._die(self._rng.choice(self._workers), "a worker died")

    def _nodes_are_taken(self) -> None:
        group = self.fleet.faults.spot_nodes * self.fleet.node
        first = self._rng.randrange(0, self.fleet.workers, group)
        for worker in self._workers[first : first + group]:
            self._die(worker, "its spot node was taken")

    def _again(self, hours: float, fault: Callable[[], None]) -> None:
        """Let a fault happen again and again, at exponential distances of `hours` in the mean."""
        if math.isinf(hours):
            return

        def happens() -> None:
            fault()
            self._again(hours, fault)

        self._in(self._rng.expovariate(1 / (3600 * hours)), happens)

    def _living(self, worker: _Worker, news: Callable[[_Worker], None]) -> Callable[[], None]:
        """Return an event that is void if the worker has left this job when it comes."""
        life = worker.life
        return lambda: news(worker) if worker.life == life else None

    def _in(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._count), event))
