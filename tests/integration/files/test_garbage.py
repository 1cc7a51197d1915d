"""Files below a local directory, in memory and on S3, with the rows of a real database."""

import pytest
from moto.server import ThreadedMotoServer
from upath import UPath

from searchctl.orchestrator.artifacts.garbage import Tally, collect, used_bytes
from searchctl.orchestrator.artifacts.retention import RetentionReason
from searchctl.orchestrator.draws.points import Point
from searchctl.orchestrator.halving.cut import cut
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Outcome
from searchctl.orchestrator.storage import lease
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.writes.new_sweeps import NewSweep, create_sweep
from searchctl.orchestrator.storage.writes.writer import SweepWriter
from searchctl.searchspace import Params
from searchctl.trainer.core.results import JobResult
from tests.sweeps.stored_sweeps import new_cohort

LADDER = [
    {"rung": 0, "trials": 2, "fraction": "1/2", "images": 5},
    {"rung": 1, "trials": 1, "fraction": "1", "images": 10},
]


class Sweep:
    """A sweep of two trials, one finalist, whose jobs write files of 10 bytes."""

    def __init__(self, engine, runs, continue_="retrain"):
        self.engine, self.runs = engine, runs
        self.id = create_sweep(engine, _new_sweep(continue_))
        lease.acquire(engine, self.id, "driver", "host:1", 60)
        self.writer = SweepWriter(engine, self.id, "driver", 60)

    @property
    def row(self):
        return queries.find_sweep(self.engine, "quick")

    def start(self, trial, rung, token, *files):
        self.writer.start_attempt(JobKey(trial, rung), token=token, fraction="1", images=1, gpus=0)
        return [self.write(f"trial-{trial:04d}/rung-{rung}/{token}/{file}") for file in files]

    def write(self, path):
        (self.runs / path).parent.mkdir(parents=True, exist_ok=True)
        (self.runs / path).write_bytes(b"0123456789")
        return path

    def lose(self, trial, rung, token):
        self.writer.lose_attempt(token, "lost", "the worker died")

    def finish(self, trial, rung, token, score, *, rung_of=(), weights=None):
        """Store a result; `rung_of` are all scores of the rung if it was the last one."""
        path = self.runs / weights if weights else None
        result = JobResult("complete", score, weights=path)
        outcomes = [Outcome(number, rung, value) for number, value in rung_of]
        decisions = cut(outcomes, None if rung else 1, "maximize")
        assert self.writer.save_result(token, result, decisions)

    def first_rung(self):
        """Run the first rung: trial 1 is promoted, trial 0 had a lost attempt and is pruned."""
        self.start(0, 0, "a", "checkpoint.pt")
        self.lose(0, 0, "a")
        self.start(0, 0, "b", "checkpoint.pt", "model.safetensors")
        self.finish(0, 0, "b", 0.5, weights="trial-0000/rung-0/b/model.safetensors")
        self.start(1, 0, "c", "checkpoint.pt", "model.safetensors")
        kept = "trial-0001/rung-0/c/model.safetensors"
        self.finish(1, 0, "c", 0.75, rung_of=[(0, 0.5), (1, 0.75)], weights=kept)

    def last_rung(self):
        self.start(1, 1, "d", "checkpoint.pt", "model.safetensors")
        kept = "trial-0001/rung-1/d/model.safetensors"
        self.finish(1, 1, "d", 0.875, rung_of=[(1, 0.875)], weights=kept)

    def files(self):
        root = self.runs.path
        return {path.removeprefix(f"{root}/") for path in self.runs.fs.find(root)}


def _new_sweep(continue_):
    return NewSweep(
        name="quick",
        source="",
        spec={"halving": {"continue": continue_}},
        spec_hash="abc",
        direction="maximize",
        ladder=LADDER,
        versions={},
        classes=["sky"],
        data_fingerprint="f00",
        points=[Point(Params({"lr": lr}), "random") for lr in (0.1, 0.01)],
        cohorts=[new_cohort(ladder=LADDER)],
    )


@pytest.fixture
def engine(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/sweeps.db", create=True)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def s3_url():
    """A real S3 server on this machine, in memory."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_url, tmp_path):
    keys = {"key": "unknown", "secret": "wrong", "endpoint_url": s3_url}
    bucket = UPath("s3://bucket", **keys) / tmp_path.name
    bucket.fs.makedirs("bucket", exist_ok=True)
    return bucket


@pytest.fixture(params=["local", "memory", "s3"])
def runs(request, tmp_path):
    match request.param:
        case "local":
            return UPath(tmp_path / "runs" / "quick")
        case "memory":
            return UPath(f"memory://{tmp_path.name}/quick")
    return request.getfixturevalue("bucket") / "quick"


@pytest.fixture
def local(engine, tmp_path):
    return Sweep(engine, UPath(tmp_path / "runs" / "quick"))


def test_of_a_finished_sweep_the_finalists_weights_remain(engine, runs):
    sweep = Sweep(engine, runs)
    sweep.first_rung()
    sweep.last_rung()
    collected = collect(engine, sweep.row, runs)
    assert sweep.files() == {"trial-0001/rung-1/d/model.safetensors"}
    assert (collected.files, collected.bytes) == (6, 60)
    assert collected.left == {RetentionReason.FINALIST: Tally(1, 10)}
    assert used_bytes(runs) == 10
    assert collect(engine, sweep.row, runs).files == 0


def test_checkpoints_of_unfinished_jobs_remain(engine, runs):
    sweep = Sweep(engine, runs)
    sweep.first_rung()
    files = sweep.start(1, 1, "d", "checkpoint.pt")
    sweep.lose(1, 1, "d")
    files += sweep.start(1, 1, "e", ".checkpoint.pt.half")
    collect(engine, sweep.row, runs)
    assert sweep.files() == set(files)


def test_warm_weights_remain_until_the_next_rung_has_them(engine, runs):
    sweep = Sweep(engine, runs, "warm")
    sweep.first_rung()
    collect(engine, sweep.row, runs)
    assert sweep.files() == {"trial-0001/rung-0/c/model.safetensors"}
    sweep.last_rung()
    collect(engine, sweep.row, runs)
    assert sweep.files() == {"trial-0001/rung-1/d/model.safetensors"}


def test_files_are_found_that_were_written_after_an_earlier_look(engine, runs):
    sweep = Sweep(engine, runs)
    assert used_bytes(runs) == 0
    sweep.first_rung()
    assert used_bytes(runs) == 50


def test_only_the_jobs_that_are_requested_are_checked(local):
    local.first_rung()
    assert collect(local.engine, local.row, local.runs, [JobKey(1, 0)]).files == 2
    assert {path.split("/")[0] for path in local.files()} == {"trial-0000"}
    assert collect(local.engine, local.row, local.runs, [JobKey(1, 0), JobKey(0, 0)]).files == 3


def test_files_of_an_unknown_attempt_are_named_and_removed_only_on_request(local):
    local.first_rung()
    stray = local.write("trial-0001/rung-0/unknown/checkpoint.pt")
    other = local.write("trial-0099/rung-0/unknown/checkpoint.pt")
    collected = collect(local.engine, local.row, local.runs)
    assert local.files() == {stray, other}
    assert set(collected.strays) == {"trial-0001/rung-0/unknown", "trial-0099/rung-0/unknown"}
    assert collect(local.engine, local.row, local.runs, strays=True).files == 2
    assert local.files() == set()
    assert not (local.runs / "trial-0099").exists()


def test_files_that_belong_to_no_job_remain(local):
    local.first_rung()
    notes = {local.write("notes.txt"), local.write("trial-0000/notes.txt")}
    collect(local.engine, local.row, local.runs, strays=True)
    assert local.files() == notes


def test_a_dry_run_counts_and_removes_nothing(local):
    local.first_rung()
    before = local.files()
    assert collect(local.engine, local.row, local.runs, dry_run=True).files == 5
    assert local.files() == before


def test_empty_directories_of_finished_jobs_are_removed(local):
    local.first_rung()
    (local.runs / "trial-0000/rung-0/empty").mkdir()
    local.start(1, 1, "d")
    (local.runs / "trial-0001/rung-1/d").mkdir(parents=True)
    collect(local.engine, local.row, local.runs, strays=True)
    left = {str(path.relative_to(local.runs)) for path in local.runs.rglob("*")}
    assert left == {"trial-0001", "trial-0001/rung-1", "trial-0001/rung-1/d"}


def test_a_file_that_vanishes_meanwhile_is_no_error(local, monkeypatch):
    local.first_rung()
    fs, gone = local.runs.fs, []

    def find(*arguments, **options):
        found = type(fs).find(fs, *arguments, **options)
        gone.append(local.runs / "trial-0000/rung-0/a/checkpoint.pt")
        gone[0].unlink()
        return found

    monkeypatch.setattr(fs, "find", find)
    assert collect(local.engine, local.row, local.runs).files == 4


@pytest.mark.parametrize("error", [PermissionError("denied"), RuntimeError("no such endpoint")])
def test_every_refusal_of_the_storage_is_one_kind_of_error(error, local, monkeypatch):
    local.first_rung()

    def rm_file(path):
        raise error

    monkeypatch.setattr(local.runs.fs, "rm_file", rm_file)
    with pytest.raises(OSError, match=str(error)):
        collect(local.engine, local.row, local.runs)


def test_nothing_is_found_where_there_is_no_directory(local):
    assert used_bytes(local.runs) == 0
    assert collect(local.engine, local.row, local.runs).files == 0
