"""A sweep.yaml whose trials run a script of the user's own."""

from pathlib import Path

import jsonschema
import pytest

from searchctl.orchestrator.config.json_schema import json_schema
from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.config.parsing.yaml_source import load_yaml
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.own_code.script_files import script_files
from searchctl.trainer.script.settings import ScriptSettings

SWEEP = """
name: s
data: {{dataset: lists, train_list: train.txt, val_list: val.txt}}
training: {{{training}}}
space: {{{space}}}
{more}
"""
COMMAND = "command: 'train {lr} {train_list}'"


@pytest.fixture
def lines(refused):
    def of(training=COMMAND, space="lr: [0.1, 0.2]", more=""):
        return refused(SWEEP.format(training=training, space=space, more=more))

    return of


@pytest.fixture
def loaded(sweep_of):
    def of(training=COMMAND, space="lr: [0.1, 0.2]", more=""):
        return sweep_of(SWEEP.format(training=training, space=space, more=more))

    return of


def test_a_script_sweep_survives_its_storage(loaded):
    sweep = loaded("command: 'train {lr} {wd} {train_list}', values: {wd: 0.5}, epochs: 3")
    assert sweep.script.epochs == 3
    assert Sweep.from_json(sweep.to_json()).spec_hash == sweep.spec_hash
    assert sweep.report.wanted_images == 0


def test_places_and_timeouts_change_no_spec(loaded):
    there = loaded(f"{COMMAND}, directory: /somewhere, timeout: 5")
    assert there.spec_hash == loaded().spec_hash


def test_any_score_with_a_direction_ranks_scripts(loaded, lines):
    assert not loaded(more="halving: {score: dice_loss, direction: min}").halving.higher_is_better
    assert "halving.direction: is missing" in lines(more="halving: {score: dice}")[0]


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        ({"space": "lrr: [1, 2]"}, 5, "space.lrr: changes nothing: write {lrr} in training.comm"),
        ({"space": "seed: [1, 2]"}, 5, "space.seed: is given by searchctl"),
        ({"space": "lr: [1], epochs: [0, 1]"}, 5, "space.epochs[0]: must be a whole number"),
        ({"training": "command: 'train {lr}'"}, 4, "training.command: does not name {train_list}"),
        (
            {"training": "command: 'train {lr} {wd} {train_list}'"},
            4,
            "training.command: nothing fills {wd}: search it under space",
        ),
        (
            {
                "training": "command: 'train {lr} {wd} {train_list}'",
                "space": "lr: [1, 2], wd: {values: [1], when: {lr: 1}}",
            },
            4,
            "nothing fills {wd} in 1 of 2 trials",
        ),
        (
            {"training": f"{COMMAND}, values: {{wd: 1}}"},
            4,
            "training.values.wd: changes nothing: write {wd}",
        ),
        ({"training": "command: 'train {lr'"}, 4, "training.command: has a brace"),
        ({"training": "command: x, function: 'a:b'"}, 4, "training.function: excludes command"),
        ({"training": "function: train"}, 4, "training.function: must be MODULE:FUNCTION"),
        (
            {"training": f"{COMMAND}, epoch: 3"},
            4,
            "training.epoch: unknown key 'epoch': did you mean 'epochs'?",
        ),
        ({"more": "halving: {continue: warm}"}, 6, "halving.continue: warm needs {init_from}"),
        ({"more": "report: {images: 2}"}, 6, "report.images: cannot be drawn"),
        ({"more": "inference: {flip: true}"}, 6, "inference: has no effect"),
        ({"more": "storage: {runs: 'memory://runs'}"}, 6, "storage.runs: must be a directory"),
        ({"more": "resources: {processes_per_trial: 2}"}, 6, "resources.processes_per_trial"),
    ],
)
def test_what_a_script_would_ignore_or_miss_is_refused_with_its_line(lines, change, line, message):
    found = lines(**change)[0]
    assert found.startswith(f"sweep.yaml:{line} ")
    assert message in found


def test_data_sets_without_files_are_refused(refused):
    text = "name: s\ndata: {dataset: scenes}\ntraining: {command: 'a {lr} {images}'}\n"
    (line,) = refused(text + "space: {lr: [1, 2]}\n")
    assert "sweep.yaml:2 data: has samples that are no files" in line


def test_a_function_is_checked_without_importing_it(sweep_of, refused, tmp_path):
    (tmp_path / "my.py").write_text("raise SystemExit\ndef train(lr, train_list, wd=0): pass\n")
    (tmp_path / "bad.py").write_text("def train(lr, depth): pass\n")

    def text(module, axis):
        training = f"function: '{module}:train'"
        return SWEEP.format(training=training, space=f"{axis}: [1, 2]", more="")

    assert sweep_of(text("my", "lr")).script.function == "my:train"
    assert "space.mom: is no parameter of my:train" in refused(text("my", "mom"))[-1]
    found = "\n".join(refused(text("bad", "lr")))
    assert "nothing fills its parameter depth" in found
    assert "has no parameter train_list" in found
    assert "there is no module 'nowhere'" in refused(text("nowhere", "lr"))[0]


def test_the_files_of_a_script_are_what_its_command_names_and_what_these_import(tmp_path):
    files = {
        "train.py": "import nets.unet\nfrom losses import dice\nimport torch, json\n",
        "losses.py": "def f():\n    from helpers import x\n",
        "helpers.py": "",
        "nets/__init__.py": "",
        "nets/unet.py": "from . import blocks\n",
        "nets/blocks.py": "",
        "config.yaml": "a: 1\n",
        "unused.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    script = ScriptSettings(command="python train.py --config config.yaml --lr {lr}")
    assert sorted(script_files(tmp_path, script)) == sorted({*files} - {"unused.py"})
    by_module = ScriptSettings(command="python -m nets.unet {lr}")
    assert len(script_files(tmp_path, by_module)) == 3
    missing = ScriptSettings(command="python trian.py {lr}")
    with pytest.raises(SearchctlError, match=r"names trian\.py, which is not in"):
        script_files(tmp_path, missing)
    assert script_files(tmp_path, missing.model_copy(update={"directory": Path("/x")})) == []


@pytest.mark.parametrize("name", ["sweep.yaml", "sweep_smp.yaml"])
def test_the_examples_load_fit_the_schema_and_have_their_script(name):
    folder = Path(__file__).parents[4] / "examples" / "script"
    sweep = load_sweep(folder / name)
    assert script_files(folder, sweep.script)[0].startswith("train")
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.validate(load_yaml(folder / name).value)
    assert not validator.is_valid({**load_yaml(folder / name).value, "space": {"lr": 1}})
