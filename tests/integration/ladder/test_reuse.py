"""A job that a sweep of the same database has trained is copied, not trained again."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from searchctl.orchestrator.analysis.compared_sweeps import compare_sweeps
from searchctl.orchestrator.analysis.tradeoff import read_tradeoff
from searchctl.orchestrator.executors.job import train
from searchctl.orchestrator.halving.job_key import key_of
from searchctl.orchestrator.report.gathering import gather
from searchctl.orchestrator.storage.reads import image_scores, queries
from searchctl.orchestrator.terminal.trials.compare import comparison

SPACE = {"lr": [3e-3, 1e-2, 1e9]}  # the last one diverges
DATA = {
    "dataset": "scenes",
    **{"native_size": [48, 64], "image_size": [24, 32], "train": 16, "val": 4, "test": 2},
}
TINY = {"width": 4, "batch_size": 2, "epochs": 1, "threads": 1}
HALVING = {"fractions": ["1/2", 1], "finalists": 2}
ITS_OWN = {"seconds": 0, "gpu_seconds": 0, "images_seen": 0, "weights": "", "reused_from": {}}


@pytest.fixture
def sweep(sweeps):
    """Launch a small real sweep; return it, and the jobs that were trained."""

    def launched(name, space=SPACE, hardware=None, **sections):
        trained = []

        def counted(job, on_epoch, stop):
            trained.append((job.trial, job.rung))
            result = train(job, on_epoch, stop)
            return replace(result, hardware=hardware or result.hardware)

        usual = {"data": DATA, "training": TINY, "halving": HALVING, "report": {"images": 1}}
        sections = {**usual, **sections}
        prepared, _ = sweeps.launch(counted, space, name=name, **sections)
        return prepared, trained

    return launched


def jobs_of(prepared):
    return queries.jobs(prepared.engine, prepared.row)


def stored(prepared):
    """Return what two equal sweeps have in common: all but names and costs."""
    engine, row = prepared.engine, prepared.row
    counts = [image_scores.image_counts(engine, row, key_of(job)) for job in jobs_of(prepared)]
    epochs = [epoch for trial in range(3) for epoch in queries.epochs(engine, row, trial)]
    return (
        [replace(job, **ITS_OWN) for job in jobs_of(prepared)],
        [each and each.counts.tobytes() for each in counts],
        [replace(epoch, seconds=0, images=0) for epoch in epochs],
        queries.class_scores(engine, row, None),
        [(each.trial, each.verdict, each.score) for each in queries.decisions(engine, row)],
    )


def test_an_equal_sweep_is_copied_and_stands_alone(sweep, tmp_path):
    (first, trained), (again, none) = sweep("first"), sweep("again")
    assert (len(trained), none) == (5, [])
    assert stored(again) == stored(first)
    shutil.rmtree(tmp_path / "runs" / "first")
    for job in jobs_of(again):
        assert (job.reused_from["sweep"], job.seconds, job.images_seen) == ("first", 0, 0)
        assert job.rung == 0 or Path(job.weights).is_file()
    assert len(list((tmp_path / "runs" / "again").rglob("masks.png"))) == 4


def test_views_that_compare_costs_count_a_copy_as_what_it_was_copied_from(sweep, tmp_path):
    (first, _), (again, _) = sweep("first"), sweep("again")
    engine = first.engine
    pairs = [(comparison(engine, each.row, [0, 1])) for each in (first, again)]
    assert pairs[0]["cost"] == pairs[1]["cost"]
    assert (pairs[0]["copied"], pairs[1]["copied"]) == ([0, 0], [2, 2])
    tradeoffs = [read_tradeoff(engine, each.row) for each in (first, again)]
    assert tradeoffs[0].costs == tradeoffs[1].costs
    assert tradeoffs[0].copied == [] != tradeoffs[1].copied
    trained, copied = compare_sweeps(engine, [first.row, again.row]).sweeps
    assert (copied.seconds, trained.copied["seconds"]) == (0, 0)
    assert copied.copied["seconds"] == pytest.approx(trained.seconds)
    answer = gather(engine, again.row).answer
    assert (answer.seconds, answer.images) == (0, 0)
    assert answer.copied["images_seen"] == gather(engine, first.row).answer.images > 0
    shutil.rmtree(tmp_path / "runs" / "first")
    third, _ = sweep("third")
    assert {job.reused_from["sweep"] for job in jobs_of(third) if job.rung} == {"again"}
    assert read_tradeoff(engine, third.row).costs == tradeoffs[0].costs


@pytest.mark.parametrize(
    "changed",
    [
        {"storage": {"reuse": False}},
        {"training": {**TINY, "weight_decay": 0.1}},
        {"seed": 1},
        {"data": {**DATA, "val": 3}},
    ],
)
def test_what_computes_something_else_is_trained(sweep, sweeps, changed):
    sweep("first")
    runs = {"runs": str(sweeps.folder / "runs")}
    changed = {**changed, "storage": {**runs, **changed.get("storage", {})}}
    assert len(sweep("other", **changed)[1]) == 5


def test_a_job_that_is_scored_after_more_epochs_is_another_one(sweep):
    three = {**TINY, "epochs": 3}
    sweep("first", training={**three, "validate": "every"})
    auto, trained = sweep("auto", training=three)
    assert trained == [(0, 0), (1, 0), (2, 0)]  # on the last rung, both score every epoch
    scored = {job.rung: [] for job in jobs_of(auto)}
    for epoch in queries.epochs(auto.engine, auto.row, 0):
        scored[epoch.rung].append(epoch.val_loss is not None)
    assert scored == {0: [False, True, True], 1: [True, True, True]}


def test_results_of_other_hardware_are_not_reused(sweep):
    sweep("elsewhere", hardware="another CPU, AVX2")
    assert len(sweep("here")[1]) == 5


def test_a_wider_sweep_trains_what_is_new(sweep):
    sweep("first", {"lr": [3e-3, 1e-2, 2e-2]})
    _, trained = sweep("wider", {"lr": [3e-3, 1e-2, 2e-2, 1e-5]})
    assert [trial for trial, rung in trained if rung == 0] == [3]


def test_a_job_whose_weights_are_gone_is_trained_again(sweep, tmp_path):
    sweep("first")
    shutil.rmtree(tmp_path / "runs" / "first")
    assert len(sweep("again")[1]) == 5 - 1  # the one that diverged needs no files


def test_of_a_warm_sweep_only_what_has_lost_its_weights_is_trained_again(sweep):
    warm = {**HALVING, "continue": "warm"}
    sweep("first", halving=warm)  # the weights of its first rung were removed once they were used
    assert sweep("again", halving=warm)[1] == [(0, 0), (1, 0)]
