"""The command predict on files: names, places on earth, broken images, nothing replaced."""

import shutil

import numpy as np
import pytest
import rasterio
from PIL import ExifTags, Image
from rasterio import Affine

import searchctl as public
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.prediction.inputs import find_images, output_names
from tests.networks.model_files import BANDS, PALETTE, RGB, write_model
from tests.processes.in_process import searchctl

SUFFIXES = {".jpg", ".png", ".tif"}


def draw(path, size=(30, 40), seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def folder(tmp_path):
    write_model(tmp_path / "model")
    for seed, name in enumerate(("a.png", "b.png", "deep/a.png", "deep/er/c.jpg")):
        draw(tmp_path / "images" / name, (30, 40 + seed), seed)
    return tmp_path


def test_a_folder_gives_masks_of_the_same_names_and_sizes_with_the_palette(folder):
    done = searchctl("predict", "model", "images", "-o", "masks", "--overlay", "over", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "wrote 4 masks in masks\n")
    names = ["a.png", "b.png", "deep/a.png", "deep/er/c.png"]
    assert files(folder / "masks") == files(folder / "over") == names
    model = public.load_model(folder / "model")
    for name in ("b.png", "deep/a.png"):
        image = np.asarray(Image.open(folder / "images" / name))
        with Image.open(folder / "masks" / name) as mask:
            assert mask.mode == "P"
            assert tuple(mask.getpalette()[:9]) == sum(PALETTE, ())
            assert np.array_equal(np.asarray(mask), model.predict(image).classes)
        assert np.asarray(Image.open(folder / "over" / name)).shape == image.shape


def test_a_broken_image_is_named_the_others_are_done_and_nothing_is_replaced(folder):
    (folder / "images" / "b.png").write_bytes(b"broken")
    command = ("predict", "model", "images", "-o", "images/masks", "--probabilities", "probs")
    done = searchctl(*command, cwd=folder)
    assert done.returncode == 1
    assert done.stdout == "wrote 3 masks in images/masks\n"
    assert "error: images/b.png: " in done.stderr
    assert np.load(folder / "probs" / "a.npy").shape == (3, 30, 40)
    again = searchctl(*command, cwd=folder)
    assert again.returncode == 1
    assert "images/masks/a.png, probs/a.npy, images/masks/deep/a.png and 3 more" in again.stderr
    draw(folder / "images" / "b.png")
    rest = searchctl(*command, "--skip-existing", cwd=folder)
    assert rest.stdout == "wrote 1 mask in images/masks; 3 were there already\n"
    assert (
        searchctl(*command, "--overwrite", cwd=folder).stdout == "wrote 4 masks in images/masks\n"
    )


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["images"], ["a", "b", "deep/a", "deep/er/c"]),
        (["images/*.png", "images/a.png"], ["a", "b"]),
        (["images/**/*.jpg"], ["deep/er/c"]),
        (["images/a.png", "images/deep/a.png"], ["images/a.png", "deep/a.png"]),
        (["images/deep/er", "twin"], ["c.jpg", "c.png"]),
        (["twin", "images/deep"], ["c", "a", "er/c"]),
    ],
)
def test_no_two_images_share_a_name(folder, arguments, names, monkeypatch):
    draw(folder / "twin" / "c.png")
    monkeypatch.chdir(folder)
    assert [str(name) for name in output_names(find_images(arguments, SUFFIXES, []))] == names


def test_images_that_would_share_a_file_and_arguments_without_an_image_are_refused(
    folder, monkeypatch
):
    monkeypatch.chdir(folder)
    shutil.copytree(folder / "images", folder / "other" / "images")
    with pytest.raises(DataError, match=r"images/a\.png, images/b\.png, .* under one name"):
        output_names(find_images(["images", "other/images"], SUFFIXES, []))
    for argument in ("nowhere", "images/*.gif", "masks"):
        with pytest.raises(DataError, match="there is no such image"):
            find_images([argument], SUFFIXES, [])


@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_the_mask_of_a_geotiff_lies_where_the_image_does(tmp_path, tile):
    write_model(tmp_path / "model", {**BANDS, "tile": tile})
    place = {"crs": "EPSG:32633", "transform": Affine(10, 0, 500_000, 0, -10, 5_000_000)}
    array = np.random.default_rng(0).integers(1, 1000, (4, 30, 40)).astype("uint16")
    array[:, :5] = 0
    shape = {"count": 4, "height": 30, "width": 40, "dtype": "uint16", "nodata": 0}
    with rasterio.open(tmp_path / "x.tif", "w", driver="GTiff", **shape, **place) as file:
        file.write(array)
    done = searchctl("predict", "model", "x.tif", "-o", "masks", "--overlay", "over", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with rasterio.open(tmp_path / "masks" / "x.tif") as mask:
        assert (mask.crs, mask.transform) == (place["crs"], place["transform"])
        assert (mask.count, mask.dtypes, mask.nodata) == (1, ("uint8",), 255)
        assert mask.colormap(1)[1][:3] == PALETTE[1]
        classes = mask.read(1)
    assert (classes[:5] == 255).all()
    assert (classes[5:] < 3).all()
    assert np.asarray(Image.open(tmp_path / "over" / "x.png")).shape == (30, 40, 3)


def test_a_classifier_writes_a_table(tmp_path):
    classifier = {"task": "classification", "model": "timm:test_resnet", "width": None}
    write_model(tmp_path / "model", {**RGB, "image_size": (32, 32)}, **classifier)
    for seed, name in enumerate(("a.png", "b.png")):
        draw(tmp_path / "images" / name, (40, 40), seed)
    done = searchctl("predict", "model", "images", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    head, *rows = (tmp_path / "out" / "predictions.csv").read_text().splitlines()
    assert head == "image,class,sky,car,road"
    for row in rows:
        image, name, *shares = row.split(",")
        assert ("sky", "car", "road")[np.argmax([float(each) for each in shares])] == name
        assert image.startswith("images/")
    assert len(rows) == 2
    assert searchctl("predict", "model", "images", "-o", "out", cwd=tmp_path).returncode == 1


@pytest.mark.parametrize(
    "command", [("predict", "model", "images", "-o"), ("export-model", "model", "-o")]
)
def test_a_place_that_cannot_be_written_is_a_short_error_before_any_work(folder, command):
    (folder / "file").write_text("no directory")
    done = searchctl(*command, "file/x/m.onnx", cwd=folder)
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot write to file/x")
    assert "Not a directory; name another" in done.stderr


def test_images_that_are_shown_turned_or_partly_transparent_are_warned_of_once_each(folder):
    for name in ("a.png", "b.png"):
        with Image.open(folder / "images" / name) as picture:
            picture.putalpha(128)
            picture.save(folder / "images" / name)
    turned = Image.new("RGB", (40, 30)).getexif()
    turned[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (40, 30)).save(folder / "images" / "deep" / "er" / "c.jpg", exif=turned)
    done = searchctl("predict", "model", "images", "-o", "masks", cwd=folder)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "warning: 1 image (images/deep/er/c.jpg) is shown turned, by EXIF data, and read as "
        "stored: so are their masks. For masks of what is shown, save the images upright, without "
        "EXIF data",
        "warning: 2 images (images/a.png, images/b.png) are partly transparent: colours are read "
        "as they are, and opacity is not",
    ]
