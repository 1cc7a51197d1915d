"""The section `inference` of a sweep, from the file to the stored scores and the exported trial."""

import pytest
from upath import UPath

from searchctl.orchestrator.artifacts.export import export
from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.core.errors import SearchctlError, SweepChanged
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.executors.job import train
from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.orchestrator.run.final.training import train_exported
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.run.resume import prepare_resume
from searchctl.orchestrator.storage.reads import queries

TRAINED = {
    "data": {"dataset": "scenes", "image_size": [24, 32], "train": 8, "val": 3, "test": 3},
    "training": {"batch_size": 4, "epochs": 2, "width": 4, "threads": 1},
    "space": {"lr": [0.003, 0.001]},
    "halving": {"finalists": 1},
}
VIEWS = {"mode": "sliding_window", "overlap": 0.5, "flip": True, "scales": [0.5, 1.0]}


def finalist(sweeps, **sections):
    """Launch a sweep that trains; return it with its finalist's scores."""
    prepared, row = sweeps.launch(train, **{**TRAINED, **sections})
    (job,) = (
        each for each in queries.jobs(prepared.engine, row) if "test" in (each.evaluations or {})
    )
    return prepared, job.evaluations


@pytest.fixture(scope="module")
def both(sweeps_below, tmp_path_factory):
    """Two sweeps that differ in their inference alone."""
    plain, views = (sweeps_below(tmp_path_factory.mktemp("sweep")) for _ in range(2))
    return finalist(plain), finalist(views, inference=VIEWS)


def test_finalists_store_scores_of_the_requested_inference_and_other_results_are_equal(both):
    (_, plain), (_, views) = both
    assert plain.keys() == views.keys() == {"val", "train", "val_original", "test", "test_original"}
    changed = {split for split in plain if plain[split] != views[split]}
    assert changed == {"val_original", "test_original"}


def test_an_exported_trial_is_scored_as_the_finalist_was(both, tmp_path):
    _, (prepared, views) = both
    best = rank_trials(prepared.engine, prepared.row)[0]
    exported = export(prepared.sweep, best, prepared.initial)
    assert exported.inference == prepared.sweep.inference
    result = train_exported(exported, UPath(tmp_path / "trained"))
    for split, scores in result.evaluations.items():
        assert scores.miou == views[split]["miou"]
        assert scores.loss == views[split]["loss"]


def test_a_network_that_cannot_predict_whole_images_is_refused_at_launch(sweeps, tmp_path):
    one_size = {"model": "simple_seg", "encoder": "coatnet_nano_rw_224"}
    data = {**TRAINED["data"], "image_size": [224, 224]}
    sections = {**TRAINED, "data": data, "training": one_size, "inference": {"mode": "whole"}}
    with pytest.raises(SearchctlError, match=r"does not take images of every size.*sliding_window"):
        sweeps.prepare(**sections)


TEXT = """\
name: quick
data: {dataset: scenes, train: 16, val: 2, test: 2}
training: {epochs: 2, batch_size: 2}
inference: {flip: false}
space: {lr: [0.1, 0.01, 0.001, 0.0001]}
"""


def test_another_inference_is_refused_on_resume_unless_accepted(sweeps, monkeypatch, quick_runner):
    monkeypatch.chdir(sweeps.folder)
    file = sweeps.folder / "sweep.yaml"
    file.write_text(TEXT)
    prepare(load_sweep(file), sweeps.url, file)
    file.write_text(TEXT.replace("flip: false", "flip: true"))
    with pytest.raises(SweepChanged, match=r"inference\.flip: false -> true"):
        prepare_resume("quick", sweeps.url)
    accepted = prepare_resume("quick", sweeps.url, accept_changes=True)
    row = run(accepted, executor=InlineExecutor(quick_runner))
    assert row.spec["inference"]["flip"] is True
