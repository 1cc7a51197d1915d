"""Labels that can be read, and would make a sweep's scores mean nothing."""

import os

import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.data.checks.check import check_data
from searchctl.trainer.data.checks.checked import checked_data
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.samples import forget_listing, load_split
from searchctl.trainer.data.settings import FolderData

RNG = np.random.default_rng(0)
SIZE = (24, 32)


def fill(root, masks, **options):
    """Write an image of noise with each mask."""
    for number, mask in enumerate(masks):
        pixels = np.random.default_rng(number).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        for kind, picture in (("images", Image.fromarray(pixels)), ("masks", mask)):
            (root / kind).mkdir(parents=True, exist_ok=True)
            picture.save(root / kind / f"{number:02}.png", **(options if kind == "images" else {}))


def halves(*values, count=10):
    """Return masks with a stripe of each value."""
    rows = np.linspace(0, len(values), SIZE[0], endpoint=False).astype(int)
    mask = np.repeat(np.array(values, dtype=np.uint8)[rows][:, None], SIZE[1], axis=1)
    return [Image.fromarray(np.roll(mask, each, axis=0)) for each in range(count)]


def settings(root, **changes):
    fields = {"classes": ["background", "object"], "image_size": SIZE, "test": 0, **changes}
    return FolderData(dataset="folder", root=root, cache_dir=root.parent / "cache", **fields)


def report_of(root, **changes):
    forget_listing()
    return checked_data(settings(root, **changes))


def test_masks_of_0_and_255_are_an_error_with_the_table_that_fits(tmp_path):
    fill(tmp_path, halves(0, 255))
    first, second = report_of(tmp_path).problems
    assert first.startswith("the train labels hold one class alone, 'background'")
    assert first.endswith("Masks hold 0 and 255: set classes: {background: 0, object: 255}")
    assert second.startswith("the val labels hold one class alone")


def test_the_table_that_the_message_proposes_is_right(tmp_path):
    fill(tmp_path, halves(0, 255))
    report = report_of(tmp_path, classes={"background": 0, "object": 255})
    assert (report.problems, report.warnings) == ((), ())
    assert report.splits[0].class_images.tolist() == [8, 8]


def test_masks_of_ignored_values_alone_are_an_error(tmp_path):
    fill(tmp_path, halves(255))
    problems = report_of(tmp_path).problems
    assert problems[0].startswith("no mask of the train split holds any pixel of a class. Masks")


def test_most_pixels_ignored_are_warned_of(tmp_path):
    fill(tmp_path, halves(0, 1, 255, 255, 255))
    warnings = report_of(tmp_path).warnings
    assert any(w.startswith("58 % of the train pixels are ignored") for w in warnings)


def test_a_class_without_training_labels_is_warned_of_with_the_values_of_the_masks(tmp_path):
    fill(tmp_path, halves(1, 2))
    warnings = report_of(tmp_path, classes=["void", "road", "car"]).warnings
    assert warnings[0] == (
        "no image of train holds void: networks cannot learn what they never see. Masks hold 1 "
        "and 2: is the class table right?"
    )


def test_validation_labels_that_training_never_shows_are_an_error(tmp_path):
    for split, values in (("train", (0, 1)), ("val", (2, 3))):
        fill(tmp_path / split, halves(*values))
    (problem,) = report_of(tmp_path, classes=list("abcd")).problems
    assert problem.startswith("no class of the val labels occurs in the train labels")


def test_a_class_that_vanishes_at_the_training_size_is_warned_of(tmp_path):
    masks = halves(0, 1)
    for number, mask in enumerate(masks):
        mask.putpixel((number, 3), 2)
    fill(tmp_path, masks)
    report = report_of(tmp_path, classes=list("abc"), image_size=(8, 8))
    assert any("image_size 8x8" in w and "c in 8 of 8" in w for w in report.warnings)
    assert report.splits[0].left.tolist() == [1, 1, 0]
    assert not any("image_size" in w for w in report_of(tmp_path, classes=list("abc")).warnings)


def test_values_that_the_table_lacks_are_one_problem(tmp_path):
    fill(tmp_path, halves(0, 128))
    (problem,) = report_of(tmp_path).problems
    assert "class id 128 in a mask; allowed are 0..1" in problem
    assert "(and so in 9 more files: " in problem


def test_palettes_that_differ_are_an_error_and_equal_ones_are_not(tmp_path):
    masks = [mask.convert("P") for mask in halves(0, 1)]
    for mask in masks:
        mask.putpalette([0, 0, 0, 200, 0, 0])
    fill(tmp_path, masks)
    assert report_of(tmp_path).problems == ()
    masks[4].putpalette([200, 0, 0, 0, 0, 0])
    fill(tmp_path, masks)
    (problem,) = report_of(tmp_path).problems
    assert problem.startswith("the palettes of masks differ: value ")


def test_a_gif_of_two_greys_is_distinguished_from_one_of_three(tmp_path):
    fill(tmp_path, halves(0, 1, 2))
    for number, mask in enumerate(halves(0, 2) + halves(0, 1, 2)):
        if number % 2 and number < 10:
            (tmp_path / "masks" / f"{number:02}.png").unlink()
            mask.save(tmp_path / "masks" / f"{number:02}.gif")
    (tmp_path / "masks" / "00.png").unlink()
    halves(0, 1, 2)[0].save(tmp_path / "masks" / "00.gif")
    (problem,) = report_of(tmp_path, classes=list("abc")).problems
    assert problem.startswith("the palettes of masks differ: value 1 is")


@pytest.mark.parametrize("orientation", [1, 3])
def test_images_that_exif_turns_are_warned_of(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    fill(tmp_path, halves(0, 1), exif=exif)
    warned = [w for w in report_of(tmp_path).warnings if "EXIF" in w]
    assert len(warned) == (orientation != 1)
    assert all(w.startswith("10 images (train/00.png, ") for w in warned)


def test_pictures_that_are_not_opaque_are_warned_of(tmp_path):
    fill(tmp_path, halves(0, 1))
    with Image.open(tmp_path / "images" / "03.png") as picture:
        picture.load()
        picture.putalpha(100)
    picture.save(tmp_path / "images" / "03.png")
    assert any("1 image (train/03.png) is partly" in w for w in report_of(tmp_path).warnings)


def test_nearly_equal_images_of_two_splits_are_warned_of(tmp_path):
    fill(tmp_path / "train", halves(0, 1))
    fill(tmp_path / "val", halves(0, 1, count=1))
    smooth = Image.fromarray(RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((32, 24))
    smooth.save(tmp_path / "train" / "images" / "05.png")
    smooth.save(tmp_path / "val" / "images" / "00.png")
    smooth.point(lambda value: value * 0.9 + 10).save(tmp_path / "val" / "images" / "00.png")
    (warning,) = [w for w in report_of(tmp_path).warnings if "nearly equal" in w]
    assert warning.startswith("train and val share 1 pair (05.png = 00.png) of nearly equal images")


def test_one_image_leaves_training_empty_which_is_an_error(tmp_path):
    fill(tmp_path, halves(0, 1, count=1))
    assert report_of(tmp_path).problems == ("the train split holds no images",)


def test_files_that_are_not_read_are_counted_by_kind_and_warned_of(tmp_path):
    fill(tmp_path, halves(0, 1))
    Image.new("L", SIZE).save(tmp_path / "masks" / "77.png")
    (tmp_path / "valid" / "images").mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", SIZE).save(tmp_path / "images" / f"x{number}.jp2")
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "images" / ".DS_Store").write_text("")
    report = report_of(tmp_path)
    assert [(u.directory, u.suffix, len(u.names)) for u in report.unused] == [
        (".", ".md", 1),
        ("images", ".jp2", 3),
        ("masks", ".png", 1),
    ]
    assert report.warnings == (
        "3 .jp2 files of images/ are not read (x0.jp2, x1.jp2, x2.jp2)",
        "1 .png file of masks/ is not read (77.png): no image has such a name",
    )


def test_a_second_check_decodes_only_what_has_changed(tmp_path, monkeypatch):
    fill(tmp_path, halves(0, 1))
    before = report_of(tmp_path)
    dataset_type = type(build_dataset(settings(tmp_path)))
    read, opened = dataset_type.read, []

    def counting(self, split, index):
        opened.append(self.names(split)[index])
        return read(self, split, index)

    monkeypatch.setattr(dataset_type, "read", counting)
    assert report_of(tmp_path).splits[0].class_shares.tolist() == (
        before.splits[0].class_shares.tolist()
    )
    assert opened == []
    Image.new("L", SIZE[::-1], 1).save(tmp_path / "masks" / "04.png")
    report_of(tmp_path)
    assert opened == ["04.png"]


def test_an_edit_that_keeps_size_and_time_is_noticed(tmp_path):
    for number, mask in enumerate(halves(0, 1)):
        fill(tmp_path, halves(0, 1)) if not number else None
        (tmp_path / "masks" / f"{number:02}.png").unlink()
        mask.save(tmp_path / "masks" / f"{number:02}.bmp")
    path = tmp_path / "masks" / "00.bmp"
    stat = path.stat()
    first = check_data(build_dataset(settings(tmp_path))).splits[0].class_shares
    Image.fromarray(1 - np.asarray(Image.open(path))).save(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    assert report_of(tmp_path).splits[0].class_shares.shape == first.shape


@pytest.mark.parametrize(("augment", "expected"), [("scale_crop_jitter", 8), ("flips", 0)])
def test_weights_count_a_class_as_it_is_trained_on(tmp_path, augment, expected):
    masks = halves(0, 1)
    for number, mask in enumerate(masks):
        mask.putpixel((number, 3), 2)
    fill(tmp_path, masks)
    forget_listing()
    data = settings(tmp_path, classes=list("abc"), image_size=(8, 8))
    assert load_split(data, "train").trained_pixels(augment)[:, 2].sum() == expected


def test_masks_that_exif_turns_are_warned_of_as_masks(tmp_path):
    fill(tmp_path, halves(0, 1))
    exif = Image.Exif()
    exif[0x112] = 3
    halves(0, 1)[4].save(tmp_path / "masks" / "04.png", exif=exif)
    (warning,) = report_of(tmp_path).warnings
    assert warning.startswith("the masks of 1 image (train/04.png) are shown turned, by EXIF data")


def test_a_transparent_colour_and_several_pictures_are_warned_of(tmp_path):
    fill(tmp_path, halves(0, 1))
    with Image.open(tmp_path / "images" / "03.png") as picture:
        picture.save(tmp_path / "images" / "03.png", transparency=picture.getpixel((0, 0)))
        (tmp_path / "images" / "04.png").unlink()
        frames = [picture.transpose(Image.Transpose.ROTATE_180)]
        path = tmp_path / "images" / "04.jpg"
        picture.convert("RGB").save(path, format="MPO", save_all=True, append_images=frames)
    several, clear = sorted(report_of(tmp_path).warnings)
    assert several.startswith("1 image (train/03.png) is partly transparent")
    assert clear.startswith("1 image file (train/04.jpg) has several pictures (MPO)")


def test_files_without_a_suffix_may_be_images(tmp_path):
    fill(tmp_path, halves(0, 1))
    for name in ("README", "IM1", "IM2"):
        (tmp_path / "images" / name).write_bytes(b"")
    (warning,) = report_of(tmp_path).warnings
    assert warning == "2 files without a suffix of images/ are not read (IM1, IM2)"


def test_a_16_bit_grey_image_is_advised_its_one_band(tmp_path):
    fill(tmp_path, halves(0, 1))
    grey = np.zeros(SIZE, dtype=np.uint16)
    Image.fromarray(grey).save(tmp_path / "images" / "03.png")
    (problem,) = report_of(tmp_path).problems
    assert "set bands: [0] to read it as it is" in problem


def test_images_smaller_than_a_tile_are_warned_of_and_tiles_are_counted(tmp_path):
    fill(tmp_path, halves(0, 1))
    report = report_of(tmp_path, tile=(12, 32))
    assert (report.warnings, report.tiles) == ((), {"train": 16, "val": 4, "test": 0})
    (warning,) = report_of(tmp_path, tile=(64, 64)).warnings
    assert warning.startswith("10 images (train/")
    assert "are smaller than a tile of 64x64" in warning


def test_colours_that_no_class_has_are_listed_where_a_class_does_not_occur(tmp_path):
    palette = np.array([[0, 0, 0], [220, 20, 60]], dtype=np.uint8)
    fill(tmp_path, [Image.fromarray(palette[np.asarray(mask)]) for mask in halves(0, 1)])
    table = {"background": [0, 0, 0], "object": [220, 30, 60]}
    problem = report_of(tmp_path, classes=table).problems[0]
    assert problem.endswith(
        "Masks hold colours of no class, (220, 20, 60): is the class table right?"
    )
    assert report_of(tmp_path, classes={**table, "object": [220, 20, 60]}).problems == ()
