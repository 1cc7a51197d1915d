"""The bracket, pure: which job is next, and what a result means. No clock, threads, files or I/O.

                next_job                record (rung not full)
    waiting  -------------->  running  ------------------------>  done
       ^                         |                                 |
       +------- release ---------+      record of the rung's last: everybody gets a decision,
            (the worker was lost)       the promoted wait at the next rung

Resume is replay: a new bracket that is told the stored outcomes stands where the old one stood.
"""

from bisect import insort
from collections.abc import Container, Iterable
from dataclasses import dataclass
from enum import Enum

from searchctl.orchestrator.halving.job_key import JobKey, Kind
from searchctl.orchestrator.halving.rule import Decision, Direction, Ladder, Outcome, Rung, cut


class Signal(Enum):
    """Why there is no job to hand out."""

    WAIT = "wait"
    """The rung's last jobs are running: ask again after the next `record`."""
    DONE = "done"
    """The sweep is over."""


@dataclass(frozen=True)
class BracketJob:
    """One trial at one rung: the unit that is scheduled."""

    trial: int
    rung: Rung
    kind: Kind = "ladder"
    repeat: int = 0

    @property
    def key(self) -> JobKey:
        """Its name."""
        return JobKey(self.trial, self.rung.number, self.kind, self.repeat)


class BracketError(Exception):
    """A result that does not belong here: an unknown trial, another rung, or a second result."""


class Bracket:
    """One cohort of trials climbing one ladder, each rung complete before its cut.

    The same outcomes give the same decisions in any order of arrival within a rung. The trials of
    the first rung wait in the order of their numbers; survivors, by what they took on the rung
    below, the longest first: a rung is over with its last job, and one that is long and begins last
    leaves all other workers idle (Graham, "Bounds on multiprocessing timing anomalies", 1969).
    """

    def __init__(self, ladder: Ladder, direction: Direction) -> None:
        self.ladder = ladder
        self.direction = direction
        self._number = 0
        self._enter(range(ladder.trials))
        self.failure: str | None = None
        """Why the sweep cannot go on: a rung without any finite score."""
        self.finished = False

    def _enter(self, trials: Iterable[int]) -> None:
        self.waiting = list(trials)
        self._turns = {trial: turn for turn, trial in enumerate(self.waiting)}
        self.running: set[int] = set()
        self._outcomes: dict[int, Outcome] = {}

    @property
    def rung(self) -> Rung:
        """The rung that is being trained, or was trained last."""
        return self.ladder.rungs[self._number]

    @property
    def done(self) -> int:
        """Trials of the current rung whose result is in."""
        return len(self._outcomes)

    @property
    def cohort(self) -> int:
        """Trials of the current rung."""
        return len(self.waiting) + len(self.running) + self.done

    def next_job(self, held_back: Container[int] = ()) -> BracketJob | Signal:
        """Hand out the waiting job whose turn it is, but for those `held_back`."""
        if self.finished:
            return Signal.DONE
        trial = next((trial for trial in self.waiting if trial not in held_back), None)
        if trial is None:
            return Signal.WAIT
        self.waiting.remove(trial)
        self.running.add(trial)
        return BracketJob(trial, self.rung)

    def release(self, trial: int) -> None:
        """Let a running job wait again: its worker was lost.

        Raises:
            BracketError: the job is not running.
        """
        if trial not in self.running:
            raise BracketError(f"trial {trial} is not running at rung {self._number}")
        self.running.remove(trial)
        insort(self.waiting, trial, key=self._turns.__getitem__)

    def record(self, outcome: Outcome) -> tuple[Decision, ...]:
        """Take a job's outcome; return the rung's decisions if it was the last one missing.

        Raises:
            BracketError: the trial is not waiting or running at this rung.
        """
        trial = outcome.trial
        if outcome.rung != self._number or not (trial in self.running or trial in self.waiting):
            raise BracketError(f"no job of trial {trial} at rung {outcome.rung} is open")
        (self.running if trial in self.running else self.waiting).remove(trial)
        self._outcomes[trial] = outcome
        return self._close() if not self.waiting and not self.running else ()

    def _close(self) -> tuple[Decision, ...]:
        last = self._number == len(self.ladder.rungs) - 1
        planned = None if last else self.ladder.rungs[self._number + 1].trials
        decisions = cut(list(self._outcomes.values()), planned, self.direction)
        survivors = [d.trial for d in decisions if d.verdict in ("promoted", "complete")]
        if not survivors:
            diverged = not all(outcome.failed for outcome in self._outcomes.values())
            self.failure = (
                f"rung {self._number}: none of {len(decisions)} trials has a finite score (see "
                f"`searchctl show SWEEP TRIAL`): {'lower the learning rates, or ' * diverged}"
                "fix the settings"
            )
        self.finished = last or not survivors
        if not self.finished:
            self._number += 1
            took = {trial: outcome.seconds for trial, outcome in self._outcomes.items()}
            self._enter(sorted(survivors, key=lambda trial: (-took[trial], trial)))
        return decisions
