"""Masks and pairs that can be read, and may mean something else."""

import os

import numpy as np
from PIL import Image

from tests.unit.data.checks.test_label_checks import fill, halves, report_of

COLOURS = {"background": [0, 0, 0], "object": [255, 0, 0]}


def pictures(*colours):
    """Return masks with a stripe of each colour."""
    table = np.array(colours, dtype=np.uint8)
    return [Image.fromarray(table[np.asarray(each)]) for each in halves(*range(len(colours)))]


def test_colours_of_no_class_are_named(tmp_path):
    fill(tmp_path, pictures((0, 0, 0), (255, 0, 0), (0, 0, 9)))
    (warning,) = report_of(tmp_path, classes=COLOURS).warnings
    assert warning.startswith("the masks of 10 images (train/00.png, ")
    assert "hold colours of no class, which are ignored: (0, 0, 9)." in warning


def test_masks_with_smooth_edges_are_warned_of(tmp_path):
    sharp = pictures((0, 0, 0), (255, 0, 0))
    fill(tmp_path, [mask.rotate(20, Image.BICUBIC) for mask in sharp])
    (warning,) = report_of(tmp_path, classes=COLOURS).warnings
    assert "hold many colours of no class each" in warning


def test_masks_with_opacity_are_warned_of_and_others_are_not(tmp_path):
    masks = pictures((0, 0, 0), (255, 0, 0))
    fill(tmp_path, [mask.convert("RGBA") for mask in masks])
    assert report_of(tmp_path, classes=COLOURS).warnings == ()
    masks[0].putalpha(7)
    fill(tmp_path, masks)
    (warning,) = report_of(tmp_path, classes=COLOURS).warnings
    assert warning.startswith("the masks of 1 image (")


def test_a_mask_of_several_images_is_warned_of(tmp_path):
    fill(tmp_path, halves(0, 1))
    rows = [f"images/0{n}.png,masks/0{n // 2}.png,{'val' if n > 5 else 'train'}" for n in range(8)]
    (tmp_path / "pairs.csv").write_text("\n".join(["image,mask,split", *rows]))
    warnings = report_of(tmp_path, table="pairs.csv").warnings
    assert warnings[0].startswith("8 images share 4 mask files with others (train/images/00.png, ")


def test_names_of_two_spellings_are_taken_for_equal_and_told(tmp_path):
    fill(tmp_path, halves(0, 1))
    (tmp_path / "images" / "03.png").rename(tmp_path / "images" / "Z\u00fc.png")
    (tmp_path / "masks" / "03.png").rename(tmp_path / "masks" / "Zu\u0308.png")
    report = report_of(tmp_path)
    assert report.problems == ()
    assert "in two ways (Unicode NFC and NFD)" in report.warnings[0]


def test_files_with_numbers_for_suffixes_are_one_kind(tmp_path):
    fill(tmp_path, halves(0, 1))
    for number in range(12):
        (tmp_path / f"slice.{number}").touch()
    (warning,) = report_of(tmp_path).warnings
    assert warning.startswith("12 .<number> files of the data set's directory are not read")


def test_equal_images_with_different_labels_are_warned_of(tmp_path):
    fill(tmp_path, halves(0, 1))
    names = [path.name for path in sorted((tmp_path / "images").iterdir())]
    for name in names:
        Image.new("RGB", (32, 24), (9, 8, 7)).save(tmp_path / "images" / name)
    assert any("with different labels" in warning for warning in report_of(tmp_path).warnings)


def test_ids_in_three_equal_channels_are_refused_with_what_saves_one(tmp_path):
    fill(tmp_path, [mask.convert("RGB") for mask in halves(0, 1)])
    (problem,) = report_of(tmp_path).problems
    assert "channels are equal: save one of them, `PIL.Image.open(IN).getchannel(0)" in problem


def test_ids_in_the_opacity_are_refused_with_what_saves_it(tmp_path):
    black = Image.new("RGB", (32, 24))
    fill(tmp_path, [Image.merge("RGBA", (*black.split(), mask)) for mask in halves(0, 1)])
    (problem,) = report_of(tmp_path).problems
    assert "save its opacity, `PIL.Image.open(IN).getchannel('A')" in problem


def test_a_pipe_among_the_images_is_named_and_not_waited_for(tmp_path):
    fill(tmp_path, halves(0, 1))
    image = sorted((tmp_path / "images").iterdir())[0]
    image.unlink()
    os.mkfifo(image)
    (problem,) = report_of(tmp_path).problems
    assert problem == f"{image}: cannot be read (it is a named pipe or a device)"
