"""How file names in the settings resolve."""

import pytest
from upath import UPath

from searchctl.orchestrator.artifacts.initial_files import InitialFile, InitialFiles
from searchctl.orchestrator.artifacts.named_weights import found_from_here
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.trainer.settings.training import TrainSettings

NAMES = ("checkpoint:pets", "mine.pth", "encoders for test_vit", "encoders for upernet")
FILES = InitialFiles(
    UPath("/runs/signs"),
    {
        name: InitialFile(f"initial/{at:016x}.pth", f"{at}", name, name)
        for at, name in enumerate(NAMES)
    },
)


def pretrained(weights, **settings):
    return TrainSettings(model="upernet", init="pretrained", weights=weights, **settings)


@pytest.mark.parametrize(
    ("settings", "checkpoint", "encoder"),
    [
        (TrainSettings(), None, None),
        (TrainSettings(init="checkpoint:pets"), 0, None),
        (pretrained(None), None, None),
        (pretrained("mine.pth"), None, 1),
        (pretrained("encoders", encoder="test_vit"), None, 2),
        (pretrained("encoders"), None, 3),
    ],
    ids=["scratch", "checkpoint", "download", "file", "directory", "the model's encoder"],
)
def test_a_trial_starts_from_copies_of_the_files_that_its_settings_name(
    settings, checkpoint, encoder
):
    def copy(at):
        return None if at is None else UPath(f"/runs/signs/initial/{at:016x}.pth")

    assert FILES.checkpoint(settings) == copy(checkpoint)
    assert FILES.encoder(settings) == copy(encoder)
    used = {at for at in (checkpoint, encoder) if at is not None}
    assert set(FILES.of(settings)) == {NAMES[at] for at in used}


def test_settings_that_name_the_copies_differ_in_nothing_else():
    named = FILES.named_in(TrainSettings(init="checkpoint:pets", lr=0.25))
    assert named == TrainSettings(init=f"checkpoint:/runs/signs/initial/{0:016x}.pth", lr=0.25)
    named = FILES.named_in(pretrained("encoders", lr=0.25))
    assert named == pretrained(f"/runs/signs/initial/{3:016x}.pth", lr=0.25)
    assert FILES.named_in(TrainSettings(width=4)) == TrainSettings(width=4)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current directory, with two files of weights; it is the home directory too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "trained").mkdir()
    for name in ("trained/model.safetensors", "mine.pth"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("trained", "trained/model.safetensors"),
        ("./trained/", "trained/model.safetensors"),
        ("trained/model.safetensors", "trained/model.safetensors"),
        ("~/mine.pth", "mine.pth"),
        ("mine.pth", "mine.pth"),
    ],
)
def test_a_checkpoint_is_named_from_the_current_directory_or_from_home(here, written, found):
    settings = found_from_here(TrainSettings(init=f"checkpoint:{written}"))
    assert settings.init == f"checkpoint:{here / found}"
    assert found_from_here(settings) == settings


@pytest.mark.parametrize("written", ["mine.pth", "trained"])
def test_weights_are_a_file_or_a_directory_of_encoders(here, written):
    assert found_from_here(pretrained(written)).weights == str(here / written)


@pytest.mark.parametrize(
    "settings", [TrainSettings(init="checkpoint:pets"), pretrained("pets.safetensors")]
)
def test_without_a_database_the_name_of_a_sweep_or_a_missing_file_is_refused(here, settings):
    with pytest.raises(SearchctlError, match=rf"pets.*: there is no file {here}/pets.*safetensors"):
        found_from_here(settings)


def test_settings_that_name_no_file_stay_as_they_are():
    assert found_from_here(TrainSettings(width=4)) == TrainSettings(width=4)
