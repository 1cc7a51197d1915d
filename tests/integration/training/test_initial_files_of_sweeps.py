"""Sweeps whose trials start from weights of another sweep, or of files."""

import re
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest
from upath import UPath

from searchctl.orchestrator.artifacts.export import export
from searchctl.orchestrator.artifacts.garbage import Tally, collect
from searchctl.orchestrator.artifacts.retention import RetentionReason
from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.executors.job import train
from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.orchestrator.run.final.training import train_exported
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.run.resume import prepare_resume
from searchctl.orchestrator.terminal.trials.trial import trial_facts, trial_tables
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.timm.library import timm
from searchctl.trainer.weights.files import save_weights
from tests.networks.weight_files import tensors

SMALL = {"dataset": "scenes", "image_size": [24, 32], "native_size": [24, 32]}
SMALL |= {"train": 8, "val": 2, "test": 2}
LR = {"lr": [0.1, 0.01]}
TRAINING = {"width": 4, "batch_size": 4, "epochs": 1, "threads": 1}


def draw_signs(root):
    """Pictures and masks of three classes."""
    random = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for number in range(10):
        picture = random.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        mask = np.repeat(np.arange(24, dtype=np.uint8)[:, None] // 8, 32, axis=1)
        cv2.imwrite(str(root / f"images/{number}.png"), picture)
        cv2.imwrite(str(root / f"masks/{number}.png"), mask)
    classes = ["sky", "sign", "road"]
    return {"dataset": "folder", "root": str(root), "image_size": [24, 32], "classes": classes}


@pytest.fixture(scope="module")
def trained(sweeps_below, tmp_path_factory):
    """Two sweeps that really train: `signs` begins from scratch, and with the winner of `pets`."""
    sweeps = sweeps_below(tmp_path_factory.mktemp("trained"))
    real = {"runner": train, "training": TRAINING}
    space = {"lr": [0.01, 0.001], "weight_decay": [0, 0.1]}
    sweeps.launch(name="pets", data=SMALL, space=space, **real)
    space = {"init": ["scratch", "checkpoint:pets"], "lr": [0.01, 0.001]}
    data = draw_signs(sweeps.folder / "signs")
    prepared, _ = sweeps.launch(
        name="signs", data=data, space=space, halving={"finalists": 4}, **real
    )
    return sweeps, prepared


def winner(sweeps, name="pets"):
    prepared = prepare_resume(name, sweeps.url)
    (best,) = rank_trials(prepared.engine, prepared.row, top=1)
    return best


def test_trials_start_from_the_winner_of_another_sweep_without_its_classifier(trained):
    sweeps, prepared = trained
    best = winner(sweeps)
    ((name, file),) = prepared.initial.files.items()
    assert (name, file.source) == (
        "checkpoint:pets",
        f"trial {best.trial} of sweep pets, rung {best.rung}",
    )
    assert file.file == f"initial/{file.sha256[:16]}.safetensors"
    assert (prepared.runs / file.file).read_bytes() == Path(best.weights).read_bytes()
    ranked = rank_trials(prepared.engine, prepared.row)
    facts = [trial_facts(prepared.engine, prepared.row, each.trial) for each in ranked]
    assert len({each["epochs"][0]["train_loss"] for each in facts}) == 4
    for each in facts:
        (origin,) = (job["initial_weights"] for job in each["jobs"])
        classes = "without its classifier: 11 classes there, 3 here"
        assert (classes in origin) == (each["params"]["init"] != "scratch")


def test_show_prints_the_initial_weights_of_a_trial_and_their_origin(trained):
    _, prepared = trained
    origins = {}
    for trial in range(4):
        facts = trial_facts(prepared.engine, prepared.row, trial)
        lines = (str(part).strip() for part in trial_tables(facts))
        origins[facts["params"]["init"]] = [
            line
            for line in lines
            if line.startswith("initial weights") or line.startswith("checkpoint:")
        ]
    assert origins["scratch"] == ["initial weights: scratch"]
    source, record = origins["checkpoint:pets"]
    assert re.match(
        r"checkpoint:pets: trial \d of sweep pets, rung \d, copied to initial/\w+\.s", source
    )
    assert re.match(r"initial weights: checkpoint .*/signs/initial/.*11 classes there", record)


def test_an_exported_finalist_trains_to_its_own_weights_from_anywhere(
    trained, tmp_path, monkeypatch
):
    _, prepared = trained
    monkeypatch.chdir(tmp_path)
    for ranked in rank_trials(prepared.engine, prepared.row):
        exported = export(prepared.sweep, ranked, prepared.initial)
        result = train_exported(exported, UPath(tmp_path / str(ranked.trial)))
        assert tensors(result.weights) == tensors(ranked.weights)


def test_a_pretrained_encoder_is_that_of_the_copy_in_the_sweep_and_in_its_export(
    sweeps, monkeypatch, tmp_path
):
    monkeypatch.chdir(sweeps.folder)
    net = timm.create_model("test_resnet")
    save_weights(net.state_dict(), UPath("encoders/test_resnet.safetensors"))
    training = {"model": "simple_seg", "encoder": "test_resnet", "width": None}
    training |= {"init": "pretrained", "weights": "encoders"}
    prepared = sweeps.prepare(LR, data=SMALL, training={**TRAINING, **training})
    Path("encoders/test_resnet.safetensors").unlink()
    run(prepared, executor=InlineExecutor(train))
    (copy,) = (prepared.runs / "initial").iterdir()
    (best,) = rank_trials(prepared.engine, prepared.row, top=1)
    (job,) = trial_facts(prepared.engine, prepared.row, best.trial)["jobs"]
    assert f"pretrained test_resnet from {copy}: all " in job["initial_weights"]
    result = train_exported(export(prepared.sweep, best, prepared.initial), UPath(tmp_path / "out"))
    assert tensors(result.weights) == tensors(best.weights)


# ---- from here on, jobs that train nothing but write files


@pytest.fixture
def jobs():
    """The jobs that were run, in their order."""
    return []


@pytest.fixture
def runner(quick_runner, jobs):
    """Writes weights that identify their job."""

    def run(job, on_epoch, stop):
        jobs.append(job)
        result = quick_runner(job, on_epoch, stop)
        if result.weights:
            result.weights.parent.mkdir(parents=True, exist_ok=True)
            result.weights.write_bytes(f"{job.out}".encode())
        return result

    return run


@pytest.fixture
def pets(sweeps, runner, jobs, monkeypatch):
    """A finished sweep of that name, in the current directory."""
    monkeypatch.chdir(sweeps.folder)
    for module in ("preparation.prepare", "resume"):
        name = f"searchctl.orchestrator.run.{module}.check_weights"
        monkeypatch.setattr(name, lambda *_: None)  # they are none
    sweeps.launch(runner, space={"lr": [0.1, 0.01, 0.001]}, name="pets")
    jobs.clear()
    return sweeps


def from_pets(pets, space=LR, init="checkpoint:pets", **sections):
    training = {"batch_size": 2, "init": init}
    return pets.prepare(space, training=training, **sections)


def test_any_finalist_of_a_sweep_can_be_named(pets):
    prepared = prepare_resume("pets", pets.url)
    _, second, dropped = rank_trials(prepared.engine, prepared.row)
    (file,) = from_pets(pets, init=f"checkpoint:pets:{second.trial}").initial.files.values()
    assert file.source == f"trial {second.trial} of sweep pets, rung {second.rung}"
    with pytest.raises(SearchctlError, match=f"no weights of a trial {dropped.trial}: "):
        from_pets(pets, init=f"checkpoint:pets:{dropped.trial}", name="again")


def test_init_and_weights_are_search_axes(pets, runner, jobs):
    Path("mine.safetensors").write_bytes(b"mine")
    inits = ["scratch", "checkpoint:pets", "checkpoint:./mine.safetensors"]
    prepared, _ = pets.launch(runner, space={"init": inits, "lr": [0.1, 0.01]})
    assert set(prepared.initial.files) == set(inits[1:])
    assert prepared.row.initial_files == prepared.initial.to_json()
    content = {job.params["init"]: job.init_from and job.init_from.read_bytes() for job in jobs}
    best = Path(winner(pets).weights).read_bytes()
    assert content == {inits[0]: None, inits[1]: best, inits[2]: b"mine"}
    assert {job.encoder_from for job in jobs} == {None}


def test_each_rung_starts_from_the_copy_unless_it_continues_warm(pets, runner, jobs):
    for continue_ in ("retrain", "warm"):
        prepared = from_pets(
            pets, {"lr": [1, 2, 3, 4]}, name=continue_, halving={"continue": continue_}
        )
        run(prepared, executor=InlineExecutor(runner))
    (file,) = prepared.initial.files.values()
    started = {(job.rung, str(job.init_from).split("/")[-3:-1][0]) for job in jobs}
    assert {rung for rung, folder in started if folder == "retrain"} == {0, 1}
    assert {rung for rung, folder in started if folder == "warm"} == {0}
    assert {rung for rung, folder in started if folder.startswith("rung-")} == {1}
    assert (prepared.runs / file.file).is_file()


def test_a_sweep_continues_with_its_copy_when_the_original_is_gone(pets, runner, jobs):
    before = from_pets(pets)
    for file in (pets.folder / "runs" / "pets").rglob("*.safetensors"):
        file.unlink()
    _, row = pets.resume(runner)
    assert row.state == "COMPLETE"
    assert row.initial_files == before.initial.to_json()
    assert all(job.init_from.is_file() for job in jobs)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"else")])
def test_a_copy_that_is_gone_or_damaged_is_made_again(pets, damage):
    prepared = from_pets(pets)
    (file,) = prepared.initial.files.values()
    copy = Path(prepared.runs / file.file)
    damage(copy)
    assert prepare_resume("quick", pets.url).initial == prepared.initial
    assert sha256(copy.read_bytes()).hexdigest() == file.sha256


def test_a_copy_that_is_gone_is_never_replaced_by_other_weights(pets):
    prepared = from_pets(pets)
    (file,) = prepared.initial.files.values()
    Path(prepared.runs / file.file).unlink()
    Path(file.path).write_bytes(b"trained again")
    with pytest.raises(
        SearchctlError,
        match=f"init: checkpoint:pets: .*restore the file with the SHA-256 {file.sha256}",
    ):
        prepare_resume("quick", pets.url)


def test_gc_leaves_the_copies(pets, runner):
    prepared = from_pets(pets)
    (file,) = prepared.initial.files.values()
    size = len((prepared.runs / file.file).read_bytes())
    for _ in range(2):  # before the first job, and at the end
        collected = collect(prepared.engine, prepared.row, prepared.runs, strays=True)
        assert collected.left[RetentionReason.INITIAL] == Tally(1, size)
        run(prepared, executor=InlineExecutor(runner))
    assert sha256((prepared.runs / file.file).read_bytes()).hexdigest() == file.sha256


def test_other_initial_weights_are_copied_when_the_change_is_accepted(pets, runner, jobs):
    file = Path("sweep.yaml")
    text = """
        name: quick
        data: {dataset: scenes, train: 16, val: 2, test: 2}
        training: {epochs: 1, batch_size: 2, init: "checkpoint:pets"}
        space: {lr: [0.1, 0.01]}
        """
    file.write_text(text)
    prepare(load_sweep(file), pets.url, file.absolute())
    Path("mine.pth").write_bytes(b"mine")
    file.write_text(text.replace("checkpoint:pets", "checkpoint:mine.pth"))
    prepared = prepare_resume("quick", pets.url, accept_changes=True)
    row = run(prepared, executor=InlineExecutor(runner))
    assert set(row.initial_files) == {"checkpoint:mine.pth"}
    assert {job.init_from.read_bytes() for job in jobs} == {b"mine"}


@pytest.mark.parametrize(
    ("init", "refusal"),
    [
        ("petz", r"unknown sweep 'petz': did you mean 'pets'\? .* \./petz"),
        ("quick", r"a sweep cannot start from its own weights.* \./quick"),
        ("./petz", r"there is no file /.*/petz/model\.safetensors"),
        ("petz.pth", r"there is no file /.*/petz\.pth"),
        ("store://petz.pth", "Unsupported filesystem: 'store'"),
    ],
)
def test_a_missing_file_of_init_is_refused_at_the_launch(trained, init, refusal):
    with pytest.raises(SearchctlError, match=f"init: checkpoint:{init}: {refusal}"):
        trained[0].prepare(LR, training={"batch_size": 2, "init": f"checkpoint:{init}"})


def test_a_checkpoint_that_fits_some_networks_only_is_refused_at_the_launch(trained):
    sweeps, _ = trained
    space = {"model": ["simple_fcn", "unet"], "lr": [0.1, 0.01]}
    with pytest.raises(SearchctlError) as refused:
        sweeps.prepare(space, training={**TRAINING, "init": "checkpoint:pets"}, data=SMALL)
    (problem,) = str(refused.value).splitlines()
    assert problem.startswith("model unet, width 4: the checkpoint ")
    assert winner(sweeps).weights in problem  # the original, not the copy
    assert "is of another network" in problem
    assert "when: {model: ..}" in problem


def test_a_file_that_fills_a_part_of_the_encoder_is_refused_at_the_launch(trained, tmp_path):
    net = timm.create_model("test_resnet", num_classes=0)
    half = {name: each for name, each in net.state_dict().items() if "layer4" not in name}
    save_weights(half, UPath(tmp_path / "half.safetensors"))
    training = {"model": "simple_seg", "encoder": "test_resnet", "width": None}
    training |= {"init": "pretrained", "weights": str(tmp_path / "half.safetensors")}
    with pytest.raises(SearchctlError, match=r"half\.safetensors does not match .* are missing"):
        trained[0].prepare(LR, data=SMALL, training={**TRAINING, **training})


def test_a_sweep_without_a_winner_is_refused_with_the_fix(pets, sqlite_run):
    sqlite_run("UPDATE searchctl_sweeps SET state = 'STOPPED'")
    with pytest.raises(
        SearchctlError, match=r"no winner yet \(STOPPED\): .*`searchctl resume pets"
    ):
        from_pets(pets)
    sqlite_run("UPDATE searchctl_sweeps SET state = 'FAIL'")
    with pytest.raises(SearchctlError, match="sweep 'pets' has no winner: name another"):
        from_pets(pets)


def test_a_winner_whose_weights_are_gone_is_refused(pets):
    best = winner(pets)
    Path(best.weights).unlink()
    source = f"trial {best.trial} of sweep pets, rung {best.rung}"
    gone = f"the weights of {source} are missing at {best.weights}"
    with pytest.raises(SearchctlError, match=gone):
        from_pets(pets)


def test_a_sweep_comes_before_a_directory_of_its_name_and_a_path_does_not(pets):
    Path("pets").mkdir()
    Path("pets/model.safetensors").write_bytes(b"in the directory")
    for name, init in (("sweep", "pets"), ("directory", "./pets")):
        training = {"batch_size": 2, "init": f"checkpoint:{init}"}
        prepared = pets.prepare(LR, name=name, training=training)
        (file,) = prepared.initial.files.values()
        is_directory = (prepared.runs / file.file).read_bytes() == b"in the directory"
        assert is_directory == (name == "directory")


def encoders(folder, *names):
    (folder / "encoders").mkdir(exist_ok=True)
    for name in names:
        (folder / "encoders" / name).write_bytes(name.encode())


def of_encoders(sweeps, space, weights="encoders"):
    training = {"batch_size": 2, "model": "simple_seg", "init": "pretrained", "weights": weights}
    return sweeps.prepare(space=space, training=training)


def test_each_trial_gets_the_file_of_its_encoder(pets, runner, jobs):
    encoders(pets.folder, "test_resnet.safetensors", "test_vit.r160_in1k.pth", "other.pth")
    prepared = of_encoders(pets, {"encoder": ["test_resnet", "test_vit"]})
    run(prepared, executor=InlineExecutor(runner))
    assert len(list((prepared.runs / "initial").iterdir())) == 2
    given = {job.params["encoder"]: job.encoder_from.read_bytes() for job in jobs}
    assert given == {
        "test_resnet": b"test_resnet.safetensors",
        "test_vit": b"test_vit.r160_in1k.pth",
    }


def test_a_model_s_own_encoder_is_found_too(pets):
    encoders(pets.folder, "resnet50s.gluon_in1k.safetensors")
    prepared = of_encoders(pets, LR)
    assert set(prepared.initial.files) == {"encoders for simple_seg"}


def test_one_file_for_all_is_copied_once(pets, runner, jobs):
    encoders(pets.folder, "mine.pth")
    prepared = of_encoders(pets, LR, weights="encoders/mine.pth")
    run(prepared, executor=InlineExecutor(runner))
    assert set(prepared.initial.files) == {"encoders/mine.pth"}
    assert {job.encoder_from.read_bytes() for job in jobs} == {b"mine.pth"}


def test_an_encoder_that_the_directory_lacks_is_refused_at_the_launch(pets):
    encoders(pets.folder, "test_resnet.safetensors")
    with pytest.raises(SettingsError, match=r"has no test_vit\.safetensors"):
        of_encoders(pets, {"encoder": ["test_resnet", "test_vit"]})


def test_copies_go_to_an_object_store_with_the_sweep_s_other_files(pets, tmp_path):
    prepared = from_pets(pets, storage={"runs": f"memory://{tmp_path.name}"})
    (file,) = prepared.initial.files.values()
    copy = prepared.initial.checkpoint(prepared.sweep.training)
    assert str(copy) == f"memory://{tmp_path.name}/quick/{file.file}"
    assert copy.read_bytes() == Path(file.path).read_bytes()
    assert prepare_resume("quick", pets.url).initial == prepared.initial
