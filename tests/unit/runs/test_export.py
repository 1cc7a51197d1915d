import json
from pathlib import Path

import pytest
from upath import UPath

from searchctl.orchestrator.artifacts.export import as_text, export, read_exported, write
from searchctl.orchestrator.artifacts.initial_files import InitialFiles
from searchctl.orchestrator.config.parsing.problems import SweepError
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.storage.reads.ranking import RankedTrial

SWEEP = """\
    name: source
    seed: 7
    data: {dataset: scenes, train: 32}
    training: {epochs: 12, validate: {every: 3}}
    space: {lr: [0.00001, 0.1], width: [4, null], loss: [dice, focal]}
    halving: {score: val_loss}
    """


NONE = InitialFiles(UPath("runs"), {})


def ranked(rank=1, **params):
    params = {"lr": 1e-5, "width": None, "loss": "dice", **params}
    return RankedTrial(rank, 5, 2, 32, 0.25, 3, None, None, None, None, 100, 1.5, None, params)


@pytest.fixture
def exported(sweep_of):
    return export(sweep_of(SWEEP), ranked(), NONE)


def test_an_export_holds_base_settings_with_the_trial_s_params_in_their_place(exported):
    training = exported.training
    assert (training.lr, training.width, training.loss) == (1e-5, None, "dice")
    assert (training.epochs, training.validate_.every) == (12, 3)
    assert (exported.seed, exported.score, exported.data.train) == (7, "val_loss", 32)
    origin = exported.exported_from
    assert (origin.sweep, origin.trial, origin.rung, origin.score) == ("source", 5, 2, 0.25)


@pytest.mark.parametrize("fmt", ["yaml", "json"])
def test_what_is_written_reads_back_the_same(exported, fmt, tmp_path):
    (path,) = write([exported], fmt, tmp_path / f"best.{fmt}")
    assert read_exported(path) == exported


def test_several_configurations_are_a_stream_of_documents_or_a_list(exported):
    assert as_text([exported, exported], "yaml").count("\n---\n") == 1
    assert len(json.loads(as_text([exported, exported], "json"))) == 2
    assert isinstance(json.loads(as_text([exported], "json")), dict)


def test_several_configurations_have_a_file_each_numbered_by_rank(sweep_of, tmp_path):
    both = [export(sweep_of(SWEEP), ranked(rank), NONE) for rank in (1, 2)]
    paths = write(both, "yaml", tmp_path / "best.yaml")
    assert [path.name for path in paths] == ["best-1.yaml", "best-2.yaml"]
    assert [read_exported(path).exported_from.rank for path in paths] == [1, 2]


def test_a_file_that_cannot_be_written_is_named(exported, tmp_path):
    with pytest.raises(SearchctlError, match=r"cannot write .*none/best.yaml: No such file"):
        write([exported], "yaml", tmp_path / "none" / "best.yaml")


def test_the_command_line_changes_epochs_seed_and_place(exported, tmp_path):
    (path,) = write([exported], "yaml", tmp_path / "best.yaml")
    changed = read_exported(path, epochs=40, seed=9)
    assert (changed.training.epochs, changed.seed) == (40, 9)
    assert changed.training.lr == exported.training.lr
    folder = "{dataset: folder, root: here, image_size: [8, 8], classes: [a, b]}"
    path.write_text(f"data: {folder}\ntraining: {{}}\n")
    assert read_exported(path, data_root="there").data.root == Path("there")


def problems(path, **options):
    with pytest.raises(SweepError) as caught:
        read_exported(path, **options)
    return str(caught.value).splitlines()


def test_every_problem_of_a_bad_file_has_its_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("best.yaml")
    path.write_text("seed: 1\ndata: {dataset: scenes}\ntraining:\n  lr: -1\n  epoch: 3\n")
    lines = problems(path)
    assert [line.partition(" ")[0] for line in lines] == ["best.yaml:4", "best.yaml:5"]
    assert "training.lr: must be above 0" in lines[0]
    assert "did you mean 'epochs'?" in lines[1]


@pytest.mark.parametrize("text", ["data: 3\ntraining: 4\n", "data: [1]\ntraining:\n", ""])
def test_options_do_not_hide_what_is_wrong_with_a_file(text, tmp_path):
    path = tmp_path / "best.yaml"
    path.write_text(text)
    lines = problems(path, epochs=3, data_root="x")
    assert any(" data: " in line for line in lines)
    assert any(" training: " in line for line in lines)


def test_a_stream_of_configurations_is_not_one_of_them(exported, tmp_path):
    path = tmp_path / "all.yaml"
    path.write_text(as_text([exported, exported], "yaml"))
    assert "expected a single document" in problems(path)[0]
