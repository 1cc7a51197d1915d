import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.config.spec import differences
from searchctl.orchestrator.config.sweep import Sweep

EXAMPLES = sorted((Path(__file__).parents[4] / "examples").glob("*.yaml"))
DATA = "name: s\ndata: {dataset: scenes}\n"
GOOD = f"{DATA}space: {{lr: [0.1, 0.01]}}\n"


def test_a_minimal_sweep_has_the_documented_defaults(sweep_of):
    sweep = sweep_of(GOOD)
    assert [dict(params) for params in sweep.trials()] == [{"lr": 0.1}, {"lr": 0.01}]
    assert (sweep.halving.eta, sweep.halving.finalists, sweep.halving.keep) == (2, 2, "floor")
    assert sweep.train_images() == 64
    assert sweep.warnings == ()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_loads_without_a_warning(path):
    sweep = load_sweep(path)
    assert len(sweep.trials()) == len(set(sweep.trials()))
    assert sweep.name == path.stem


def test_the_camvid_example_is_the_reference_grid_of_36():
    path = next(path for path in EXAMPLES if path.stem == "camvid-fcn")
    assert len(load_sweep(path).trials()) == 36


def test_a_grid_of_one_is_one_trial(sweep_of):
    assert len(sweep_of(f"{DATA}space: {{lr: [0.1]}}").trials()) == 1


@pytest.mark.parametrize(
    ("written", "exact"),
    [("1/16", Fraction(1, 16)), ("0.0625", Fraction(1, 16)), ("0.1", Fraction(1, 10)), ("1", 1)],
)
def test_fractions_are_exactly_what_is_written(sweep_of, written, exact):
    assert sweep_of(f"{GOOD}halving: {{min_fraction: {written}}}").halving.min_fraction == exact


def test_fractions_by_hand(sweep_of):
    sweep = sweep_of(f"{GOOD}halving: {{fractions: [1/3, 0.5, 1]}}")
    assert sweep.halving.fractions == [Fraction(1, 3), Fraction(1, 2), 1]


FULL = """\
    name: full
    seed: 3
    data: {dataset: camvid, root: data/camvid}
    training: {model: unet, validate: {every: 2}}
    space:
      lr: {low: 1e-4, high: 0.1, log: true}
      dropout: {values: [0, 0.1], when: {loss: dice}}
      points: [{loss: dice, batch_size: 32}, {loss: focal}]
    search: {method: quasi_random, trials: 12}
    halving: {min_fraction: 1/8, continue: warm}
    resources: {cpus_per_trial: 2.5, gpus_per_trial: 0.5}
    """


def test_a_stored_sweep_reads_back_equal(sweep_of):
    sweep = sweep_of(FULL)
    again = Sweep.from_json(sweep.to_json())
    assert again == sweep
    assert again.trials() == sweep.trials()
    assert again.spec_hash == sweep.spec_hash


def test_the_largest_batch_is_that_of_any_trial(sweep_of):
    assert sweep_of(FULL).largest_batch == 32
    assert sweep_of(GOOD).largest_batch == 16


def test_places_are_absolute_and_threads_are_the_trials_cpus(sweep_of, tmp_path):
    sweep = sweep_of(FULL)
    assert sweep.data.root == tmp_path / "data" / "camvid"
    assert sweep.storage.runs == str(tmp_path / "runs")
    assert sweep.training.threads == 2


def test_threads_stay_open_where_they_are_searched(sweep_of):
    sweep = sweep_of(f"{DATA}space: {{threads: [1, 2]}}")
    assert sweep.training.threads is None


def test_data_root_replaces_the_one_of_the_file(sweep_of, tmp_path):
    text = FULL.replace(", root: data/camvid", "")
    assert sweep_of(text, data_root=Path("elsewhere")).data.root == tmp_path / "elsewhere"
    assert sweep_of(GOOD, data_root=Path("elsewhere")).data.dataset == "scenes"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: full", "name: other"),
        ("root: data/camvid", "root: data/other"),
        ("gpus_per_trial: 0.5", "gpus_per_trial: 1"),
        ("lr: {low: 1e-4, ", "lr: {low: 0.0001, "),
    ],
)
def test_what_is_not_computed_is_not_in_the_spec(sweep_of, old, new):
    assert sweep_of(FULL).spec_hash == sweep_of(FULL.replace(old, new)).spec_hash


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("{every: 2}", "{every: 3}", "training.validate.every: 2 -> 3"),
        ("seed: 3", "seed: 4", "seed: 3 -> 4"),
        ("trials: 12", "trials: 13", "search.trials: 12 -> 13"),
        ("1/8", "1/4", 'halving.min_fraction: "1/8" -> "1/4"'),
        (", log: true", "", "space.lr.log: true -> absent"),
    ],
)
def test_a_change_of_what_is_computed_is_named(sweep_of, old, new, difference):
    before, after = sweep_of(FULL), sweep_of(FULL.replace(old, new))
    assert differences(before.spec(), after.spec()) == [difference]
    assert before.spec_hash != after.spec_hash


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("space: {loss: [dice, focal]}\nhalving: {score: val_loss}", "val_loss is plain cross"),
        ("space: {threads: [1, 2]}", "threads is searched"),
        ("space: {precision: [fp32, bf16]}", "precision is searched"),
        ("space: {lr: [1, 2]}\nsearch: {method: random, trials: 5}", "2 distinct points only"),
        (
            "space: {lr: {low: 1, high: 2}}",
            "space.lr holds whole numbers only",
        ),
    ],
)
def test_what_is_probably_not_meant_is_warned_of(sweep_of, text, warning):
    (found,) = sweep_of(DATA + text).warnings
    assert warning in found


def test_environment_variables_are_filled_in_but_never_stored(sweep_of, monkeypatch):
    monkeypatch.setenv("SECRET", "hunter2")
    sweep = sweep_of(f"{GOOD}storage: {{url: 'postgresql://u:${{SECRET}}@h/db'}}")
    assert sweep.storage.database_url() == "postgresql://u:hunter2@h/db"
    assert "hunter2" not in str(sweep.to_json())


def test_loading_a_sweep_imports_nothing_heavy():
    heavy = ("torch", "ray", "numpy", "optuna", "sqlalchemy", "albumentations", "cv2")
    code = (
        "import sys; from searchctl.orchestrator.config.load import load_sweep; "
        f"load_sweep(r'{EXAMPLES[0]}').trials(); print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
