"""What is measured of a sweep's trials, and which of them exceed its limits.

A value holds for all trials whose params agree in what it depends on, on one type of hardware. The
first one that is stored counts, so a resume measures nothing again and decides alike.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.orchestrator.halving.limits import Limits, Quantity, exceeded
from searchctl.orchestrator.planning.probing.speed_classes import speed_params
from searchctl.orchestrator.storage.measurements import Measurement
from searchctl.searchspace import Params
from searchctl.trainer.core.results import JobResult
from searchctl.trainer.settings.marks import Mark, marked
from searchctl.trainer.settings.options.model_options import NETWORK
from searchctl.trainer.settings.training import TrainSettings

_LATENCY = {*NETWORK, "channels_last", *marked(TrainSettings, Mark.ROUNDING)}
"""The settings that the latency of a network depends on: what rounds otherwise takes other code."""


def subject_of(quantity: Quantity, params: Params) -> str:
    """Return a hash of the params that a quantity depends on.

    Latency depends on the network and its number format. Memory depends on all that changes the
    speed of a training.
    """
    if quantity == "memory_gb":
        return Params(speed_params(params)).fingerprint
    mine = {name: value for name, value in params.items() if name.partition(".")[0] in _LATENCY}
    return Params(mine).fingerprint


class Measured:
    """The values that the limits of one sweep need."""

    def __init__(
        self, limits: Limits, trials: Mapping[int, Params], stored: Iterable[Measurement] = ()
    ) -> None:
        """Start with stored values; `trials` has the params by number, and may grow."""
        self._limits = limits
        self._trials = trials
        self._values: dict[tuple[Quantity, str, str], float] = {}
        self.learn(stored)

    def latency_known_on(self, trial: int) -> tuple[str, ...] | None:
        """Return the hardware on which the latency of a trial is known; None without a limit."""
        if "latency_ms" not in self._limits:
            return None
        mine = "latency_ms", subject_of("latency_ms", self._trials[trial])
        return tuple(hardware for *what, hardware in self._values if tuple(what) == mine)

    def new(self, job: JobAttempt, result: JobResult) -> list[Measurement]:
        """Return what a job of the ladder measured that was not known before."""
        if job.kind != "ladder" or result.status != "complete":
            return []
        return [
            Measurement(
                quantity,
                subject_of(quantity, self._trials[job.trial]),
                result.hardware,
                value,
                job.trial,
                job.rung,
            )
            for quantity, value in _found(result)
            if quantity in self._limits and self.value(quantity, job.trial, result.hardware) is None
        ]

    def learn(self, measured: Iterable[Measurement]) -> None:
        """Use these values from now on."""
        for each in measured:
            self._values.setdefault((each.quantity, each.subject, each.hardware), each.value)

    def value(self, quantity: Quantity, trial: int, hardware: str) -> float | None:
        """Return a measured value of a trial on this hardware; None if it is not known."""
        return self._values.get((quantity, subject_of(quantity, self._trials[trial]), hardware))

    def violation(self, trial: int, hardware: str, new: Sequence[Measurement] = ()) -> str:
        """Return which limits a trial exceeds on this hardware, in words; empty if none.

        `new` has values that are not learnt yet.
        """
        measured = {each.quantity: each.value for each in new}
        for quantity in self._limits:
            known = self.value(quantity, trial, hardware)
            if known is not None:
                measured[quantity] = known
        return exceeded(self._limits, measured)


def _found(result: JobResult) -> Iterator[tuple[Quantity, float]]:
    if result.limit_latency_ms is not None:
        yield "latency_ms", result.limit_latency_ms
    if result.peak_memory_bytes:
        yield "memory_gb", result.peak_memory_bytes / 1e9
