"""Random histories of a sweep, with kills, late writers and collections at any moment."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from searchctl.orchestrator.artifacts.retention import JobFile, Retention, RetentionReason
from searchctl.orchestrator.halving.bracket import BracketJob
from searchctl.orchestrator.halving.cohorts import only_cohort
from searchctl.orchestrator.halving.follow_up import NO_FOLLOW_UP, FollowUpSettings
from searchctl.orchestrator.halving.job_key import JobKey, key_of
from searchctl.orchestrator.halving.rule import Outcome, plan_ladder
from searchctl.orchestrator.halving.schedule import Schedule
from searchctl.orchestrator.storage.rows import AttemptRow, JobRow

PICK = st.integers(0, 1000)
END = st.sampled_from([0.25, 0.5, 0.75, 1.0, "diverged", "failed"])
FILE = st.sampled_from(["checkpoint.pt", ".checkpoint.pt.half", "model.safetensors"])
STATES = {"diverged": "DIVERGED", "failed": "FAIL"}


def row(cls, **values):
    return cls(**{name: values.get(name) for name in cls.__annotations__})


class Sweep(RuleBasedStateMachine):
    """A sweep with its rows and files, the files without contents."""

    @initialize(trials=st.integers(1, 6), finalists=st.integers(1, 2), warm=st.booleans())
    def launch(self, trials, finalists, warm):
        cohorts = only_cohort(plan_ladder(trials, 64, finalists=finalists), "maximize")
        (self.bracket,) = cohorts.brackets
        follow_up = NO_FOLLOW_UP if warm else FollowUpSettings(repeats=2, audit=2)
        self.schedule = Schedule(cohorts, follow_up)
        self.warm = warm
        self.jobs, self.attempts, self.decisions = {}, [], []
        self.open = {}  # token by job
        self.files = set()
        self.written = {}  # files of known attempts, by job

    def token(self):
        return f"{len(self.attempts):04x}"

    def write(self, key, token, file):
        place = JobFile(key, token, file)
        self.files.add(place)
        self.written.setdefault(key, set()).add(place)
        return place

    @rule()
    def start(self):
        slot = self.schedule.next_job()
        if isinstance(slot, BracketJob):
            key = slot.key
            token = self.token()
            self.attempts.append(row(AttemptRow, **key._asdict(), token=token))
            self.jobs[key] = row(JobRow, **key._asdict(), state="RUNNING")
            self.open[key] = token

    def picked(self, pick):
        return sorted(self.open)[pick % len(self.open)]

    @precondition(lambda self: self.open)
    @rule(pick=PICK, file=FILE)
    def epoch(self, pick, file):
        key = self.picked(pick)
        self.write(key, self.open[key], file)

    @precondition(lambda self: self.open)
    @rule(pick=PICK)
    def kill_worker(self, pick):
        key = self.picked(pick)
        del self.open[key]
        self.jobs[key] = replace(self.jobs[key], state="WAITING")
        self.schedule.release(key)

    @rule()
    def kill_driver_and_resume(self):
        while self.open:
            self.kill_worker(0)

    @precondition(lambda self: self.attempts)
    @rule(pick=PICK, file=FILE)
    def late_writer(self, pick, file):
        late = self.attempts[pick % len(self.attempts)]
        self.write(key_of(late), late.token, file)

    @rule(trial=st.integers(0, 7), rung=st.integers(0, 3))
    def stray(self, trial, rung):
        self.files.add(JobFile(JobKey(trial, rung), "unknown", "checkpoint.pt"))

    @precondition(lambda self: self.open)
    @rule(pick=PICK, end=END)
    def finish(self, pick, end):
        key = self.picked(pick)
        token = self.open.pop(key)
        weights = None
        finalist = key.kind == "ladder" and key.rung == self.bracket.ladder.rungs[-1].number
        if end not in STATES and (self.warm or finalist):
            self.write(key, token, "model.safetensors")
            weights = f"/runs/x/{key.folder}/{token}/model.safetensors"
        state, score = STATES.get(end, "COMPLETE"), None if end in STATES else end
        self.jobs[key] = replace(self.jobs[key], state=state, score=score, weights=weights)
        self.decisions += self.bracket.record(
            Outcome(key.trial, key.rung, score, failed=end == "failed")
        )

    @rule(strays=st.booleans())
    def collect(self, strays):
        ladder = [{"rung": r.number, "trials": r.trials} for r in self.bracket.ladder.rungs]
        rows = self.jobs.values(), self.attempts, self.decisions
        retention = Retention(*rows, ladder=ladder, warm=self.warm)
        removable = (
            {RetentionReason.DONE, RetentionReason.STRAY} if strays else {RetentionReason.DONE}
        )
        self.files -= {place for place in self.files if retention.reason(place) in removable}

    def weights(self, key):
        path = self.jobs[key].weights
        return {JobFile.parse(path.removeprefix("/runs/x/"))} if path else set()

    def finalists(self):
        best = (JobKey(d.trial, d.rung) for d in self.decisions if d.verdict == "complete")
        return {place for key in best for place in self.weights(key)}

    @invariant()
    def checkpoints_of_unfinished_jobs_are_there(self):
        for key, job in self.jobs.items():
            if job.state in ("RUNNING", "WAITING"):
                assert self.written.get(key, set()) <= self.files

    @invariant()
    def weights_with_which_a_job_will_begin_are_there(self):
        rung = self.bracket.rung.number
        if self.warm and rung and not self.bracket.finished:
            for trial in {*self.bracket.waiting, *self.bracket.running}:
                assert self.weights(JobKey(trial, rung - 1)) <= self.files

    @invariant()
    def weights_that_a_decision_may_still_need_are_there(self):
        decided = {JobKey(d.trial, d.rung) for d in self.decisions}
        for key in self.jobs.keys() - decided:
            assert self.weights(key) <= self.files

    @invariant()
    def the_best_of_every_finalist_is_there(self):
        assert self.finalists() <= self.files

    def teardown(self):
        while hasattr(self, "schedule") and not self.schedule.finished:
            self.start()
            while self.open:
                self.finish(0, 0.5)
        if hasattr(self, "bracket"):
            self.collect(strays=True)
            assert self.files == self.finalists()


Sweep.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestSweep = Sweep.TestCase
