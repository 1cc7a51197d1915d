"""Three sweeps at once on one PostgreSQL and one Ray cluster, each with a driver of its own."""

import json
import subprocess

import optuna
import pytest
from optuna.storages import RDBStorage

from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from tests.servers.ray_cluster import RayCluster

pytestmark = pytest.mark.exhaustive

SWEEP = """\
name: {name}
seed: {seed}
data: {{dataset: scenes, image_size: [24, 32], native_size: [24, 32], train: 16, val: 4, test: 2}}
training: {{model: simple_fcn, width: 4, epochs: 2, batch_size: 4}}
space: {{lr: [1e-1, 1e-2, 1e-3, 1e-4]}}
halving: {{finalists: 2}}
report: {{images: 0}}
resources: {{cpus_per_trial: 1{most}}}
"""
MOST = {"one": 1, "two": 2, "all": None}
"""Name of a sweep -> its max_parallel; the cluster has room for three jobs in all."""


@pytest.fixture(scope="module")
def cluster(postgres_server):
    """A node with room for three jobs; a GPU more than there is, for the doctor to find."""
    with RayCluster() as running:
        running.start_head("--num-gpus", "1", cpus=3)
        running.database = postgres_server.new_database()
        yield running


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The sweep files, each in a directory of its own."""
    folder = tmp_path_factory.mktemp("many")
    found = {}
    for seed, (name, most) in enumerate(MOST.items()):
        found[name] = folder / name / "sweep.yaml"
        found[name].parent.mkdir()
        limit = f", max_parallel: {most}" if most else ""
        found[name].write_text(SWEEP.format(name=name, seed=seed, most=limit))
    return found


@pytest.fixture(scope="module")
def at_once(cluster, files, searchctl_bin):
    """All sweeps, launched at the same moment; their rows, by name."""
    known = {**cluster.env, "SEARCHCTL_DB_URL": cluster.database}
    started = [
        subprocess.Popen(
            [searchctl_bin("searchctl"), "launch", str(file), "--address", cluster.address],
            cwd=file.parent,
            env=known,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for file in files.values()
    ]
    outputs = [each.communicate(timeout=400)[0] for each in started]
    assert [each.returncode for each in started] == [0, 0, 0], "\n".join(outputs)
    engine = open_database(cluster.database)
    yield {name: rows(engine, name) for name in files}
    engine.dispose()


def rows(engine, name):
    """Return the outcome of a sweep, and when its attempts ran."""
    row = queries.find_sweep(engine, name)
    jobs = {
        (job.trial, job.rung): (job.state, job.score, job.kept_epoch, job.images)
        for job in queries.jobs(engine, row)
    }
    runs = [(each.started_at, each.ended_at) for each in queries.attempts(engine, row)]
    return {"jobs": jobs, "decisions": queries.decisions(engine, row), "runs": runs}


def most_at_once(runs):
    """Return how many of these time spans overlap at most."""
    return max(sum(began <= moment < ended for began, ended in runs) for moment, _ in runs)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", MOST)
def test_each_sweep_has_the_results_that_it_has_alone(name, at_once, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prepared = prepare(load_sweep(files[name]), f"sqlite:///{tmp_path}/alone.db")
    run(prepared, executor=InlineExecutor())
    alone = rows(prepared.engine, name)
    prepared.engine.dispose()
    assert len(alone["jobs"]) == 6
    assert at_once[name]["jobs"] == alone["jobs"]
    assert at_once[name]["decisions"] == alone["decisions"]


def test_no_sweep_exceeds_its_limit_and_all_of_them_fit_the_cluster(at_once):
    for name, most in MOST.items():
        assert most_at_once(at_once[name]["runs"]) <= (most or 3)
    attempts = [each for found in at_once.values() for each in found["runs"]]
    assert 1 < most_at_once(attempts) <= 3


def test_each_has_its_own_study_with_its_own_trials(at_once, cluster):
    storage = RDBStorage(cluster.database)
    for name, found in at_once.items():
        study = optuna.load_study(study_name=name, storage=storage)
        assert [trial.number for trial in study.trials] == [0, 1, 2, 3]
        shown = {(t.number, n): s for t in study.trials for n, s in t.intermediate_values.items()}
        jobs = found["jobs"].items()
        assert shown == {(trial, images): score for (trial, _), (_, score, _, images) in jobs}
    storage.engine.dispose()


@pytest.mark.parametrize(("form", "places"), [("address", "error"), ("jobs_address", "ok")])
def test_the_doctor_says_why_no_trial_can_run(form, places, cluster, searchctl, tmp_path):
    known = {**cluster.access, "SEARCHCTL_DB_URL": cluster.database}
    text = SWEEP.format(name="x", seed=0, most=", accelerator_type: A100, gpus_per_trial: 1")
    # a directory of this process; a driver on the cluster shares it with the workers of its node
    (tmp_path / "sweep.yaml").write_text(f"{text}storage: {{runs: /proc/self/cwd/runs}}\n")
    command = ("doctor", "sweep.yaml", "--address", getattr(cluster, form), "--json")
    done = searchctl(*command, cwd=tmp_path, env=known)
    findings = {each["what"]: each for each in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1, done.stdout
    assert [findings[what]["level"] for what in ("Ray", "data", "runs")] == ["ok"] * 3
    assert findings["node's places"]["level"] == places, findings
    assert "Ray assigns 1 GPUs to head, but only 0 are visible there" in findings["node"]["found"]
    assert "no node has that (they have 3 CPU and 1 GPU and 0 acc" in findings["room"]["found"]
    assert "resources.accelerator_type" in findings["room"]["fix"]
