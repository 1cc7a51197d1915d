"""The bracket as a pure state machine. It uses no clock, threads, files or other I/O.

                next_job                record (rung not full)
    waiting  -------------->  running  ------------------------>  done
       ^                         |                                 |
       +------- release ---------+      the rung's last result: each trial gets a decision,
            (the worker was lost)       the promoted trials wait at the next rung

Resume is replay: a new bracket reaches the same state when it records the stored outcomes.
"""

from bisect import insort
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from searchctl.orchestrator.halving.cut import cut
from searchctl.orchestrator.halving.job_key import JobKey, Kind
from searchctl.orchestrator.halving.rule import Decision, Direction, Ladder, Outcome, Rung


class Signal(Enum):
    """Why there is no next job."""

    WAIT = "wait"
    """All remaining jobs of the rung are running. Call again after the next `record`."""
    DONE = "done"
    """The sweep has ended."""


@dataclass(frozen=True)
class BracketJob:
    """One trial at one rung: the unit that is scheduled."""

    trial: int
    rung: Rung
    kind: Kind = "ladder"
    repeat: int = 0

    @property
    def key(self) -> JobKey:
        """Key of the job within its sweep."""
        return JobKey(self.trial, self.rung.number, self.kind, self.repeat)


class BracketError(Exception):
    """A result does not fit the state: unknown trial, another rung, or a second result."""


class Bracket:
    """One cohort of trials climbing one ladder, each rung complete before its cut.

    The same outcomes give the same decisions in any order of arrival within a rung.

    Trials of the first rung start in the order of their numbers. Survivors start by their time on
    the rung below, the longest first. A rung ends with its last job, so a long job that starts last
    would leave all other workers idle (Graham, "Bounds on multiprocessing timing anomalies", 1969).
    """

    def __init__(
        self,
        ladder: Ladder,
        direction: Direction,
        protected: Container[int] = (),
        trials: Sequence[int] | None = None,
    ) -> None:
        """Start with the first rung.

        Args:
            ladder: the rungs.
            direction: whether larger scores are better.
            protected: numbers of the trials that are never cut.
            trials: numbers of all trials; by default from 0 to the ladder's first count.
        """
        self.ladder = ladder
        self._protected = protected
        self.direction = direction
        self._number = 0
        self._enter(range(ladder.trials) if trials is None else trials)
        self.failure: str | None = None
        """Message of a rung in which no trial has a finite score; None otherwise."""
        self.finished = not self.waiting

    def _enter(self, trials: Iterable[int]) -> None:
        self.waiting = list(trials)
        self._turns = {trial: turn for turn, trial in enumerate(self.waiting)}
        self.running: set[int] = set()
        self._outcomes: dict[int, Outcome] = {}

    @property
    def rung(self) -> Rung:
        """The current rung; after the end, the last one that was trained."""
        return self.ladder.rungs[self._number]

    @property
    def done(self) -> int:
        """Number of trials of the current rung that have a result."""
        return len(self._outcomes)

    @property
    def cohort(self) -> int:
        """Number of trials of the current rung."""
        return len(self.waiting) + len(self.running) + self.done

    @property
    def on_last_rung(self) -> bool:
        """Whether its jobs on all of the data are waiting or running."""
        return not self.finished and self._number == len(self.ladder.rungs) - 1

    @property
    def upcoming(self) -> int:
        """Most jobs that may run at once from now on: of this rung, or after its cut."""
        unfinished = len(self.waiting) + len(self.running)
        if not unfinished or self.on_last_rung:
            return unfinished
        finite = sum(outcome.finite for outcome in self._outcomes.values())
        planned = self.ladder.rungs[self._number + 1].trials
        return max(unfinished, min(planned, unfinished + finite))

    def next_job(self, held_back: Container[int] = ()) -> BracketJob | Signal:
        """Return the next waiting job, skipping trials in `held_back`."""
        if self.finished:
            return Signal.DONE
        trial = next((trial for trial in self.waiting if trial not in held_back), None)
        if trial is None:
            return Signal.WAIT
        self.waiting.remove(trial)
        self.running.add(trial)
        return BracketJob(trial, self.rung)

    def release(self, trial: int) -> None:
        """Return a running job to the queue, because its worker was lost.

        Raises:
            BracketError: the job is not running.
        """
        if trial not in self.running:
            raise BracketError(f"trial {trial} is not running at rung {self._number}")
        self.running.remove(trial)
        # At its old position: the order of jobs must not depend on which workers are lost.
        insort(self.waiting, trial, key=self._turns.__getitem__)

    def record(self, outcome: Outcome) -> tuple[Decision, ...]:
        """Record a job's outcome; return the rung's decisions if the rung is now complete.

        Raises:
            BracketError: the trial is not waiting or running at this rung.
        """
        trial = outcome.trial
        if outcome.rung != self._number or not (trial in self.running or trial in self.waiting):
            raise BracketError(f"trial {trial} has no unfinished job at rung {outcome.rung}")
        # Replay records results of jobs that this bracket has not handed out.
        (self.running if trial in self.running else self.waiting).remove(trial)
        self._outcomes[trial] = outcome
        return self._close() if not self.waiting and not self.running else ()

    def _close(self) -> tuple[Decision, ...]:
        last = self._number == len(self.ladder.rungs) - 1
        planned = None if last else self.ladder.rungs[self._number + 1].trials
        decisions = cut(list(self._outcomes.values()), planned, self.direction, self._protected)
        survivors = [d.trial for d in decisions if d.verdict in ("promoted", "complete")]
        if not survivors:
            diverged = not all(outcome.failed for outcome in self._outcomes.values())
            self.failure = (
                f"rung {self._number}: none of {len(decisions)} trials has a finite score: "
                f"{'lower the learning rates, or ' * diverged}fix the settings"
            )
        self.finished = last or not survivors
        if not self.finished:
            self._number += 1
            took = {trial: outcome.seconds for trial, outcome in self._outcomes.items()}
            self._enter(sorted(survivors, key=lambda trial: (-took[trial], trial)))
        return decisions
