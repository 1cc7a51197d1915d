"""The images of a sweep are decoded before the sweep is stored."""

import pytest

from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.run.resume import prepare_resume
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.opening import build_dataset
from tests.images.synthetic_folders import draw_folder, folder_data

SCENES = {"dataset": "scenes", "train": 32, "val": 2, "test": 2}


def stored(sweeps):
    return [row.name for row in queries.list_sweeps(open_database(sweeps.url))]


def kinds(cache):
    """Split and kind of each entry of a cache."""
    return {tuple(path.name.split("-")[1:3]) for path in cache.iterdir()}


@pytest.fixture
def sweep(sweeps, tmp_path):
    data = {**SCENES, "cache_dir": tmp_path / "cache"}
    return sweeps.sweep({"augment": ["none", "flip_crop"]}, data=data)


def test_a_broken_image_is_found_before_the_sweep_is_stored(sweeps, tmp_path):
    data = folder_data(draw_folder(tmp_path / "data", count=8))
    second = build_dataset(data).names("train")[1]  # the first one is decoded in any case
    mask = (data.root / "masks" / second).with_suffix(".bmp")
    mask.write_bytes(mask.read_bytes()[:-100])
    with pytest.raises(DataError, match=rf"{mask}: cannot be read"):
        sweeps.prepare(data=data.model_dump())
    assert stored(sweeps) == []


def test_all_that_its_trials_need_is_decoded(sweep, sweeps, tmp_path):
    reported = []
    prepare(sweep, sweeps.url, tell=lambda *each: reported.append(each))
    assert kinds(tmp_path / "cache") == {
        *(("train", "exact"), ("val", "exact"), ("test", "exact")),
        ("train", "source"),
    }
    assert reported[-1] == (36, 36)


def test_an_interrupt_while_images_are_decoded_stores_nothing(sweep, sweeps):
    def leave(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(sweep, sweeps.url, tell=leave)
    assert stored(sweeps) == []


def test_resume_decodes_missing_images_again(sweep, sweeps, tmp_path):
    prepare(sweep, sweeps.url)
    gone = next((tmp_path / "cache").glob("scenes-val-*"))
    (gone / "images").unlink()
    reported = []
    prepare_resume("quick", sweeps.url, tell=lambda *each: reported.append(each))
    assert reported[-1] == (2, 2)
    assert (gone / "images").exists()
