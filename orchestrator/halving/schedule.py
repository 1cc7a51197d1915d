"""The schedule of a sweep's jobs, pure: first the cohorts, then the follow-up jobs."""

from collections import defaultdict
from collections.abc import Collection

from searchctl.orchestrator.halving.bracket import BracketError, BracketJob, Signal
from searchctl.orchestrator.halving.closed import ClosedCohort, CohortShape, of_ended_requests
from searchctl.orchestrator.halving.cohorts import Cohorts, DrawCohort
from searchctl.orchestrator.halving.follow_up import FollowUpSettings, follow_up_jobs
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Decision, Outcome


class Schedule:
    """Yields the jobs of all cohorts, and after the last one of a request its follow-up jobs.

    As in the cohorts, the jobs follow from the outcomes alone. So resume is replay.
    """

    def __init__(self, cohorts: Cohorts, follow_up: FollowUpSettings) -> None:
        """Start a schedule with cohorts that have no outcomes yet."""
        self.cohorts = cohorts
        self._follow_up = follow_up
        self._decisions: defaultdict[int, list[Decision]] = defaultdict(list)
        self._repeats: dict[tuple[int, int], float | None] = {}
        self._known: set[JobKey] = set()
        self._waiting: list[JobKey] = []
        self._running: list[JobKey] = []

    @property
    def finished(self) -> bool:
        """Whether all jobs have a result."""
        return self.cohorts.finished and not self._waiting and not self._running

    @property
    def upcoming(self) -> int:
        """Most jobs that may run at once from now on: as many workers have a use."""
        known = self.cohorts.upcoming + len(self._waiting) + len(self._running)
        if not any(bracket.on_last_rung for bracket in self.cohorts.brackets):
            return known
        planned = self.cohorts.planned
        finalists = max(each.ladder.rungs[-1].trials for each in planned)
        return known + self._follow_up.most_jobs(len(planned), finalists)

    def next_job(self, held_back: Collection[JobKey] = ()) -> BracketJob | DrawCohort | Signal:
        """Return the next waiting job, skipping those in `held_back`, or a cohort to draw."""
        job = self.cohorts.next_job({key.trial for key in held_back if key.kind == "ladder"})
        if not isinstance(job, Signal) or self.finished:
            return job
        key = next((key for key in self._waiting if key not in held_back), None)
        if key is None:
            return Signal.WAIT
        self._waiting.remove(key)
        self._running.append(key)
        ladder = self.cohorts.planned[self.cohorts.cohort_of(key.trial)].ladder
        return BracketJob(key.trial, ladder.rungs[-1], key.kind, key.repeat)

    def release(self, key: JobKey) -> None:
        """Return a running job to the queue, because its worker was lost.

        Raises:
            BracketError: the job is not running.
        """
        if key.kind == "ladder":
            self.cohorts.release(key.trial)
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
        decisions = self.cohorts.record(outcome)
        number = self.cohorts.cohort_of(outcome.trial)
        self._decisions[number] += decisions
        if decisions and self.cohorts.is_closed(number):
            self._add_follow_up()
        return decisions

    def _add_follow_up(self) -> None:
        direction = self.cohorts.direction
        due = follow_up_jobs(self._closed(), self._follow_up, direction, self._repeats)
        self._waiting += [key for key in due if key not in self._known]
        self._known |= set(due)

    def _closed(self) -> list[ClosedCohort]:
        """Return the closed cohorts of the requests of which all cohorts are closed."""
        planned = self.cohorts.planned
        shapes = [
            CohortShape([rung.trials for rung in each.ladder.rungs], each.request)
            for each in planned
        ]
        open_ = [each.number for each in planned if not self.cohorts.is_closed(each.number)]
        return of_ended_requests(shapes, open_, self._decisions)
