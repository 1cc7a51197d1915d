"""The cohorts of a sweep as a pure state machine, above the bracket. No clock, threads or I/O.

                 next_job                      open                  record (its last decision)
    planned  ----------------> DrawCohort  ----------->  open  --------------------------->  closed
              (its turn has come)             (a bracket)

Cohort k opens once all cohorts before the last `lag` ones are closed. It is drawn from closed
cohorts alone, which are fixed when it is requested. So the same outcomes give the same cohorts,
draws and decisions in any order of arrival. Jobs of older cohorts come first; the first rungs of a
cohort use the workers that the last rungs of the one before leave idle.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from searchctl.orchestrator.halving.bracket import Bracket, BracketError, BracketJob, Signal
from searchctl.orchestrator.halving.rule import Decision, Direction, Ladder, Outcome

LAG = 2
"""Most cohorts that are open at the same time, unless a sweep requests another number."""


@dataclass(frozen=True)
class PlannedCohort:
    """A cohort that was requested."""

    number: int
    ladder: Ladder
    lag: int = LAG
    request: int = 0
    """0: the launch; n: the n-th extension."""
    retries: bool = False
    """Whether its trials are failed ones that are tried again."""


@dataclass(frozen=True)
class DrawnCohort:
    """The trials of a cohort that was drawn."""

    trials: Sequence[int]
    """Their numbers."""
    protected: Container[int] = ()
    """Numbers of those that are never cut."""


@dataclass(frozen=True)
class DrawCohort:
    """An instruction: draw the trials of this cohort, store them, and call `open`."""

    number: int


def sources_of(number: int, lag: int, closed: Iterable[int] = ()) -> list[int]:
    """Return the numbers of the cohorts that a cohort is drawn from.

    These are the cohorts that are closed when it is requested, and those that must be closed before
    it opens. A cohort that happens to be closed earlier is not among them.

    >>> [sources_of(number, 2) for number in range(4)]
    [[], [], [0], [0, 1]]
    >>> sources_of(3, 2, closed=[0, 1, 2])
    [0, 1, 2]
    """
    return sorted({*closed, *range(number - lag + 1)})


class Cohorts:
    """All cohorts of a sweep, each a bracket once it is drawn."""

    def __init__(self, planned: Sequence[PlannedCohort], direction: Direction) -> None:
        """Start with requested cohorts in the order of their numbers; none is drawn."""
        self.planned = tuple(planned)
        self.direction = direction
        self.brackets: list[Bracket] = []
        """The drawn cohorts, in the order of their numbers."""
        self._cohort_of: dict[int, int] = {}

    def open(self, number: int, drawn: DrawnCohort) -> None:
        """Start the ladder of a cohort that was drawn: of the next one that is not open yet."""
        if number != len(self.brackets):
            raise BracketError(f"cohort {number} is not the next one: {len(self.brackets)} is")
        ladder = self.planned[number].ladder
        self.brackets.append(Bracket(ladder, self.direction, drawn.protected, drawn.trials))
        self._cohort_of |= dict.fromkeys(drawn.trials, number)

    def next_job(self, held_back: Container[int] = ()) -> BracketJob | DrawCohort | Signal:
        """Return the next waiting job, skipping trials in `held_back`, or a cohort to draw."""
        if self._due():
            return DrawCohort(len(self.brackets))
        for bracket in self.brackets:
            if isinstance(job := bracket.next_job(held_back), BracketJob):
                return job
        return Signal.DONE if self.finished else Signal.WAIT

    def release(self, trial: int) -> None:
        """Return a running job to the queue, because its worker was lost.

        Raises:
            BracketError: the job is not running.
        """
        self._bracket_of(trial).release(trial)

    def record(self, outcome: Outcome) -> tuple[Decision, ...]:
        """Record a job's outcome; return its rung's decisions if the rung is now complete.

        Raises:
            BracketError: the trial is not waiting or running at this rung.
        """
        return self._bracket_of(outcome.trial).record(outcome)

    def cohort_of(self, trial: int) -> int:
        """Return the number of a trial's cohort."""
        return self._cohort_of[trial]

    def is_closed(self, number: int) -> bool:
        """Return whether all decisions on a cohort are made."""
        return number < len(self.brackets) and self.brackets[number].finished

    @property
    def finished(self) -> bool:
        """Whether all cohorts are closed, or no further one can open."""
        return not self._due() and all(bracket.finished for bracket in self.brackets)

    @property
    def upcoming(self) -> int:
        """Most jobs that may run at once from now on, those of a cohort that may open included."""
        return sum(bracket.upcoming for bracket in self.brackets) + self._of_next_cohort()

    def _of_next_cohort(self) -> int:
        number = len(self.brackets)
        if number == len(self.planned):
            return 0
        before = self.brackets[: max(0, number - self.planned[number].lag + 1)]
        may_open = all(bracket.finished or bracket.on_last_rung for bracket in before)
        return self.planned[number].ladder.trials if may_open else 0

    @property
    def failure(self) -> str | None:
        """Message of the first rung without a finite score, once all ended without a winner."""
        if not self.finished or any(self._has_winner(bracket) for bracket in self.brackets):
            return None
        failed = (
            (number, bracket.failure)
            for number, bracket in enumerate(self.brackets)
            if bracket.failure
        )
        number, message = next(failed, (0, None))
        return message and (f"cohort {number}, {message}" if len(self.planned) > 1 else message)

    def _bracket_of(self, trial: int) -> Bracket:
        if trial not in self._cohort_of:
            raise BracketError(f"trial {trial} is in no cohort")
        return self.brackets[self._cohort_of[trial]]

    def _due(self) -> bool:
        """Is it the turn of the next cohort?

        While all closed ones failed, none opens, unless a retry of failed trials was requested.
        """
        number = len(self.brackets)
        if number == len(self.planned):
            return False
        before = range(number - self.planned[number].lag + 1)
        if not all(self.is_closed(each) for each in before):
            return False
        retried = any(cohort.retries for cohort in self.planned[number:])
        return not before or retried or any(map(self._has_winner, self.brackets))

    @staticmethod
    def _has_winner(bracket: Bracket) -> bool:
        return bracket.finished and bracket.failure is None and bool(bracket.done)


def only_cohort(ladder: Ladder, direction: Direction) -> Cohorts:
    """Return a single cohort that is drawn, with as many trials as its ladder has."""
    cohorts = Cohorts([PlannedCohort(0, ladder)], direction)
    cohorts.open(0, DrawnCohort(range(ladder.trials)))
    return cohorts
