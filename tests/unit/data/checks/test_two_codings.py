"""Masks of two codings in one data set."""

import numpy as np
import pytest
from PIL import Image

from searchctl.orchestrator.config.dataset import checked_dataset
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.doctor.files import check_data
from searchctl.orchestrator.doctor.finding import About
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.checks.checked import checked_data
from searchctl.trainer.data.samples import forget_listing
from searchctl.trainer.data.settings import FolderData

SIZE = (12, 16)


def write(root, *masks):
    """Write an image of noise with a mask of a stripe of each value."""
    for number, values in enumerate(masks):
        noise = np.random.default_rng(number).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        rows = np.linspace(0, len(values), SIZE[0], endpoint=False).astype(int)
        mask = np.repeat(np.array(values, dtype=np.uint8)[rows][:, None], SIZE[1], axis=1)
        for kind, pixels in (("images", noise), ("masks", mask)):
            (root / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(root / kind / f"{number:02}.png")


def settings(root, *classes):
    fields = {"classes": classes, "image_size": SIZE, "test": 0}
    return FolderData(dataset="folder", root=root, cache_dir=root.parent / "cache", **fields)


def warnings_of(root, *classes):
    forget_listing()
    return [each for each in checked_data(settings(root, *classes)).warnings if "mean" in each]


def test_an_ignored_value_in_place_of_a_class_is_warned_of(tmp_path):
    write(tmp_path, *[(0, 1)] * 6, *[(0, 255)] * 4)
    (warning,) = warnings_of(tmp_path, "background", "object")
    assert warning.startswith(
        "4 of 10 masks hold 255 (ignored) and no 'object', while 6 hold 'object' and no 255: does "
        "255 mean a class there? Then write the same value in all masks ("
    )


@pytest.mark.parametrize(
    "masks",
    [
        [(0, 1, 255)] * 10,  # void beside every class
        [(0, 1, 255)] * 4 + [(0, 1)] * 3 + [(0, 255)] * 3,
        [(0, 1)] * 10,
        [(1, 255)] * 5 + [(0, 255)] * 5,
    ],
)
def test_void_beside_classes_is_not_warned_of(tmp_path, masks):
    write(tmp_path, *masks)
    assert warnings_of(tmp_path, "background", "object") == []


def test_a_launch_and_the_doctor_find_what_the_check_finds(tmp_path):
    write(tmp_path, *[(0, 7)] * 5, *[(0, 1)] * 5)
    (tmp_path / "images" / "09.png").write_bytes(b"")
    data = settings(tmp_path, "background", "object")
    problems = checked_data(data).problems
    sweep = Sweep(name="small", data=data, space={"lr": [0.1, 0.2]})
    with pytest.raises(DataError) as caught:
        checked_dataset(sweep)
    assert len(problems) == 2
    assert caught.value.messages == problems
    assert [each.found for each in check_data(About(None, sweep=sweep))] == [*problems]
