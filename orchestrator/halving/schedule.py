"""The course of a sweep from its first job to its last, pure: the bracket, then the follow-up."""

from collections.abc import Collection

from searchctl.orchestrator.halving.bracket import Bracket, BracketError, BracketJob, Signal
from searchctl.orchestrator.halving.follow_up import FollowUpSettings, follow_up_jobs
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Decision, Outcome


class Schedule:
    """Hands out a bracket's jobs, and once all its decisions are made, those that judge its answer.

    As the bracket's, its jobs follow from the outcomes alone: resume is replay.
    """

    def __init__(self, bracket: Bracket, asked: FollowUpSettings) -> None:
        """Begin with a bracket that has not begun."""
        self.bracket = bracket
        self._asked = asked
        self._decisions: list[Decision] = []
        self._waiting: list[JobKey] = []
        self._running: list[JobKey] = []

    @property
    def finished(self) -> bool:
        """Is there nothing left to do?"""
        return self.bracket.finished and not self._waiting and not self._running

    def next_job(self, held_back: Collection[JobKey] = ()) -> BracketJob | Signal:
        """Hand out the next waiting job, but for those `held_back`."""
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
        """Let a running job wait again: its worker was lost.

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
        """Take a job's outcome; return the decisions that it completes.

        Raises:
            BracketError: the job is not waiting or running.
        """
        if key.kind == "ladder":
            return self._climb(outcome)
        for jobs in (self._running, self._waiting):
            if key in jobs:
                jobs.remove(key)
                return ()
        raise BracketError(f"no {key.place} of trial {key.trial} is open")

    def _climb(self, outcome: Outcome) -> tuple[Decision, ...]:
        decisions = self.bracket.record(outcome)
        self._decisions += decisions
        if self.bracket.finished:
            last = self.bracket.ladder.rungs[-1].number
            self._waiting = list(follow_up_jobs(self._decisions, last, self._asked))
        return decisions
