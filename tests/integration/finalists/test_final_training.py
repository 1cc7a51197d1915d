import json

import pytest
from upath import UPath

from searchctl.orchestrator.artifacts.export import Exported
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.run.final.training import train_exported
from searchctl.trainer.data.settings import ScenesData
from tests.jobs.checkpoints import when_written

DATA = ScenesData(dataset="scenes", image_size=(24, 32), train=16, val=4, test=4)
MODEL = ["README.md", "metrics.json", "model.safetensors"]


def exported(**training):
    settings = {"width": 4, "epochs": 4, "batch_size": 8, "threads": 1, **training}
    return Exported(seed=3, data=DATA, training=settings)


@pytest.fixture(autouse=True)
def _checkpoints_of_all_epochs(monkeypatch):
    monkeypatch.setattr("searchctl.trainer.run.checkpoints.pace.LONGEST_S", 0.0)


@pytest.fixture
def out(tmp_path):
    return UPath(tmp_path / "trained")


@pytest.fixture
def stopped(out):
    """A training that was stopped after its second epoch."""
    epochs = []
    written = when_written(out, epochs.append)
    result = train_exported(exported(), out, on_epoch=written, stop=lambda: len(epochs) == 2)
    assert result.status == "stopped"
    assert files(out) == ["checkpoint.pt"]


def files(out):
    return sorted(path.name for path in out.iterdir())


def metrics(out):
    found = json.loads((out / "metrics.json").read_text())
    return {**found, "seconds": 0, "epochs": [{**epoch, "seconds": 0} for epoch in found["epochs"]]}


def test_a_stopped_training_continues_and_leaves_weights_and_metrics_alone(stopped, out, tmp_path):
    assert train_exported(exported(), out).first_epoch == 3
    train_exported(exported(), UPath(tmp_path / "whole"))
    assert files(out) == MODEL
    assert metrics(out) == metrics(tmp_path / "whole")


@pytest.mark.parametrize(
    ("training", "train_and_val"), [({"epochs": 5}, False), ({"lr": 1e-4}, False), ({}, True)]
)
def test_a_stopped_training_of_other_settings_is_replaced_only_on_request(
    stopped, out, caplog, training, train_and_val
):
    kept = (out / "checkpoint.pt").read_bytes()
    with pytest.raises(SearchctlError, match=r"other settings or data, after 2 epochs, .*\(-o\)"):
        train_exported(exported(**training), out, train_and_val=train_and_val)
    assert (out / "checkpoint.pt").read_bytes() == kept
    options = {"train_and_val": train_and_val, "overwrite": True}
    result = train_exported(exported(**training), out, **options)
    assert result.first_epoch == 1
    assert f"{out}/checkpoint.pt is of other settings" in caplog.text
    assert files(out) == MODEL


@pytest.mark.parametrize("content", [b"", b"of another program", b"PK" * 5000])
def test_a_checkpoint_that_cannot_be_read_is_replaced_only_on_request(content, out):
    out.mkdir()
    (out / "checkpoint.pt").write_bytes(content)
    with pytest.raises(SearchctlError, match=r"damaged, or of another program, .*\(--overwrite\)"):
        train_exported(exported(), out)
    assert (out / "checkpoint.pt").read_bytes() == content
    assert train_exported(exported(), out, overwrite=True).first_epoch == 1
    assert files(out) == MODEL


def test_the_checkpoint_is_removed_only_after_the_metrics_are_written(stopped, out):
    (out / "metrics.json").mkdir()  # what cannot be replaced
    with pytest.raises(OSError, match="metrics"):
        train_exported(exported(), out, on_epoch=when_written(out))
    (out / "metrics.json").rmdir()
    assert train_exported(exported(), out).first_epoch == 5
    assert files(out) == MODEL


def test_a_training_that_the_machine_ended_says_how_to_continue(out):
    def fail(epoch):
        if epoch.epoch == 2:
            raise MemoryError("no memory")

    with pytest.raises(SearchctlError, match=r"2 epochs; the same command resumes it.*no mem"):
        train_exported(exported(), out, on_epoch=when_written(out, fail))
    assert train_exported(exported(), out).first_epoch == 3


def test_a_diverged_training_is_reported_and_leaves_no_files(out):
    with pytest.raises(SearchctlError, match="the training diverged: the training loss was NaN"):
        train_exported(exported(lr=1e9), out)
    assert files(out) == []


def test_metrics_hold_the_initial_weights_which_training_never_overwrites(out, tmp_path):
    train_exported(exported(), out)
    later = exported(init=f"checkpoint:{out}")
    with pytest.raises(SearchctlError, match="holds the initial weights of the training"):
        train_exported(later, out)
    train_exported(later, UPath(tmp_path / "later"))
    assert metrics(tmp_path / "later")["initial_weights"].startswith(f"checkpoint {out}/model.safe")


def test_a_mistake_in_the_settings_is_reported_without_a_traceback(out):
    with pytest.raises(SearchctlError, match="needs images of at least 32x32") as refused:
        train_exported(exported(model="segformer"), out)
    assert "Traceback" not in str(refused.value)
