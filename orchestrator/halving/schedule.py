"""The schedule of a sweep's jobs, pure: first the bracket, then the follow-up jobs."""

from collections.abc import Collection

from searchctl.orchestrator.halving.bracket import Bracket, BracketError, BracketJob, Signal
from searchctl.orchestrator.halving.follow_up import FollowUpSettings, follow_up_jobs
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Decision, Outcome


class Schedule:
    """Yields the jobs of a bracket, and after its last decision the follow-up jobs.

    As in the bracket, the jobs follow from the outcomes alone. So resume is replay.
    """

    def __init__(self, bracket: Bracket, follow_up: FollowUpSettings) -> None:
        """Start a schedule with a new bracket."""
        self.bracket = bracket
        self._follow_up = follow_up
        self._decisions: list[Decision] = []
        self._repeats: dict[tuple[int, int], float | None] = {}
        self._known: set[JobKey] = set()
        self._waiting: list[JobKey] = []
        self._running: list[JobKey] = []

    @property
    def finished(self) -> bool:
        """Whether all jobs have a result."""
        return self.bracket.finished and not self._waiting and not self._running

    def next_job(self, held_back: Collection[JobKey] = ()) -> BracketJob | Signal:
        """Return the next waiting job, skipping those in `held_back`."""
        job = self.bracket.next_job({key.trial for key in held_back if key.kind == "ladder"})
        if job is not Signal.DONE or self.finished:
            return job
        key = next((key for key in self._waiting if key not in held_back), None)
        if key is None:
            return Signal.WAIT
        self._waiting.remove(key)
        self._running.append(key)
        return BracketJob(key.trial, self.bracket.ladder.rungs[-1], key.kind, key.repeat)

    def release(self, key: JobKey) -> None:
        """Return a running job to the queue, because its worker was lost.

        Raises:
            BracketError: the job is not running.
        """
        if key.kind == "ladder":
            self.bracket.release(key.trial)
            return
        if key not in self._running:
            raise BracketError(f"the {key.place} of trial {key.trial} is not running")
        self._running.remove(key)
        self._waiting.insert(0, key)

    def record(self, key: JobKey, outcome: Outcome) -> tuple[Decision, ...]:
        """Record a job's outcome; return the decisions that it completes.

        Raises:
            BracketError: the job is not waiting or running.
        """
        if key.kind == "ladder":
            return self._record_on_ladder(outcome)
        self._end(key)
        if key.kind == "repeat":
            self._repeats[key.trial, key.repeat] = outcome.score if outcome.finite else None
            self._add_follow_up()  # the repeats may choose the winner, which the audit trains
        return ()

    def _end(self, key: JobKey) -> None:
        for jobs in (self._running, self._waiting):
            if key in jobs:
                jobs.remove(key)
                return
        raise BracketError(f"trial {key.trial} has no unfinished {key.place}")

    def _record_on_ladder(self, outcome: Outcome) -> tuple[Decision, ...]:
        decisions = self.bracket.record(outcome)
        self._decisions += decisions
        if self.bracket.finished:
            self._add_follow_up()
        return decisions

    def _add_follow_up(self) -> None:
        last, direction = self.bracket.ladder.rungs[-1].number, self.bracket.direction
        due = follow_up_jobs(self._decisions, last, self._follow_up, self._repeats, direction)
        self._waiting += [key for key in due if key not in self._known]
        self._known |= set(due)
