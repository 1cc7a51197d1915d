"""Annotations become masks: equal to those of independent readers, or refused by name."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.path import Path as Outline
from PIL import Image
from pycocotools import mask as coco_mask

from searchctl.orchestrator.cli.main import cli
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.convert.annotations import Annotated, Annotations, Shape, drawn, filled
from searchctl.trainer.data.convert.coco import read_coco
from searchctl.trainer.data.convert.labelme import read_labelme
from searchctl.trainer.data.convert.run_lengths import unpacked
from searchctl.trainer.data.convert.write import write_masks
from searchctl.trainer.data.convert.yolo import read_yolo
from searchctl.trainer.data.sets.folders.folder import Folder
from searchctl.trainer.data.settings import FolderData

SIZE = (60, 80)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pycocotools")
TRIANGLE = [(10.0, 5.0), (70.0, 20.0), (25.0, 55.0)]
STAR = [(40, 2), (48, 25), (75, 25), (53, 38), (62, 58), (40, 45), (18, 58), (27, 38), (5, 25)]


def photo(directory, name="a.png"):
    directory.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE[::-1]).save(directory / name)
    return directory / name


def inside(points):
    """Which pixels have their centre in a polygon, by matplotlib."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    centres = np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1)
    return Outline(points).contains_points(centres).reshape(SIZE)


def boundary(points):
    """Pixels within two pixels of the outline."""
    far = np.zeros(SIZE, bool)
    for shift in [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]:
        far |= np.roll(inside(points), shift, (0, 1)) != inside(points)
    return far


def flat(points):
    return [float(number) for corner in points for number in corner]


def coco(root, segmentations, **changes):
    photo(root / "photos")
    annotations = [
        {"id": i, "image_id": 7, "category_id": 3 + i % 2, "segmentation": each}
        for i, each in enumerate(segmentations)
    ]
    image = {"id": 7, "file_name": "a.png", "height": SIZE[0], "width": SIZE[1]}
    categories = [{"id": 3, "name": "cat"}, {"id": 4, "name": "dog"}]
    content = {"images": [image], "annotations": annotations, "categories": categories, **changes}
    (root / "coco.json").write_text(json.dumps(content))
    return read_coco(root / "coco.json", root / "photos")


def mask_of(annotations):
    [image] = annotations.images
    ids = {name: class_id for class_id, name in enumerate(annotations.class_names, 1)}
    return drawn(image.shapes, ids, SIZE)


@pytest.mark.parametrize("points", [TRIANGLE, STAR])
def test_coco_polygons_are_those_of_pycocotools_but_for_the_outline(tmp_path, points):
    found = mask_of(coco(tmp_path, [[flat(points)]])) == 1
    theirs = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects([flat(points)], *SIZE))) == 1
    assert not ((found != theirs) & ~boundary(points)).any()
    assert not ((found != inside(points)) & ~boundary(points)).any()
    assert found.sum() == pytest.approx(inside(points).sum(), rel=0.01)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("packed", [True, False])
def test_coco_run_lengths_are_those_of_pycocotools(tmp_path, seed, packed):
    rng = np.random.default_rng(seed)
    truth = (rng.random(SIZE) < rng.random()).astype(np.uint8)
    if seed == 0:
        truth[:] = 0
        truth[20:50, 10:60] = 1
    encoded = coco_mask.encode(np.asfortranarray(truth))["counts"].decode()
    counts = encoded if packed else list(unpacked(encoded))
    annotations = coco(tmp_path, [{"counts": counts, "size": list(SIZE)}])
    assert np.array_equal(mask_of(annotations), truth)


def test_small_objects_lie_on_large_ones(tmp_path):
    small, large = [(20, 20), (30, 20), (30, 30), (20, 30)], [(0, 0), (80, 0), (80, 60), (0, 60)]
    annotations = coco(tmp_path, [[flat(small)], [flat(large)]])
    mask = mask_of(annotations)
    assert annotations.class_names == ("cat", "dog")
    assert np.unique(mask, return_counts=True)[1] == pytest.approx([100, 4700])
    assert mask[25, 25] == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"categories": []}, "of no category"),
        ({"images": [{"id": 7}]}, "is no COCO annotation file: has no 'file_name'"),
    ],
)
def test_broken_coco_files_are_named(tmp_path, changes, words):
    with pytest.raises(DataError, match=rf"coco.json.*: .*{words}"):
        coco(tmp_path, [[flat(TRIANGLE)]], **changes)


def test_run_lengths_of_another_size_are_refused():
    with pytest.raises(DataError, match="run lengths of 5 pixels are not of 2x3"):
        filled([2, 3], (2, 3))


def labelme(root, *shapes, **changes):
    photo(root)
    content = {"imagePath": "a.png", "imageHeight": 60, "imageWidth": 80, "shapes": shapes}
    (root / "a.json").write_text(json.dumps({**content, **changes}))
    return read_labelme(root)


def shape(label, points, kind="polygon"):
    return {"label": label, "points": points, "shape_type": kind}


def test_labelme_shapes_are_those_of_matplotlib_but_for_the_outline(tmp_path):
    square, circle = [[5, 5], [30, 40]], [[55, 30], [55, 45]]
    corners = [(5, 5), (30, 5), (30, 40), (5, 40)]
    found = mask_of(
        labelme(tmp_path, shape("b", square, "rectangle"), shape("a", circle, "circle"))
    )
    assert not (((found == 2) != inside(corners)) & ~boundary(corners)).any()
    rows, columns = np.mgrid[:60, :80]
    distance = np.hypot(columns + 0.5 - 55, rows + 0.5 - 30)
    assert ((found == 1)[distance < 14]).all()
    assert not ((found == 1)[distance > 16.5]).any()


def test_labelme_draws_later_shapes_on_top(tmp_path):
    all_of_it = [[0, 0], [80, 0], [80, 60], [0, 60]]
    found = mask_of(labelme(tmp_path, shape("a", all_of_it), shape("b", TRIANGLE)))
    assert (found[inside(TRIANGLE) & ~boundary(TRIANGLE)] == 2).all()


def test_a_labelme_shape_without_an_area_is_named(tmp_path):
    with pytest.raises(DataError, match=r"a.json: shape 1: is of the type line; polygon"):
        labelme(tmp_path, shape("a", [[0, 0], [5, 5]], "line"))


def yolo(root, text):
    photo(root / "photos")
    photo(root / "photos", "b.png")
    (root / "labels").mkdir()
    (root / "labels" / "a.txt").write_text(text)
    return read_yolo(root / "labels", root / "photos", ["cat", "dog"])


def test_yolo_polygons_are_shares_of_the_sides(tmp_path):
    shares = " ".join(f"{x / 80:.6f} {y / 60:.6f}" for x, y in STAR)
    annotations = yolo(tmp_path, f"1 {shares}\n\n")
    first, second = annotations.images
    found = drawn(first.shapes, {"cat": 1, "dog": 2}, SIZE)
    assert not (((found == 2) != inside(STAR)) & ~boundary(STAR)).any()
    assert second.shapes == ()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.5 0.5 0.1 0.1", "a.txt:1: is a box of detection"),
        ("2 0 0 0 1 1 1", "a.txt:1: class 2 has no name: give 3 names"),
        ("0 0 0 0 1 1 1 1", "has 7 coordinates"),
        ("cat 0 0", "a.txt:1: is not the number of a class and coordinates"),
        ("0 nan 0 0 1 1 1", "a.txt:1: has a coordinate far from 0 to 1, or NaN"),
        ("0 0 0 50 0 50 50", "a.txt:1: has a coordinate far from 0 to 1"),
    ],
)
def test_broken_yolo_lines_are_named(tmp_path, line, words):
    with pytest.raises(DataError, match=words):
        yolo(tmp_path, line)


def annotated(path, *names, size=SIZE):
    shapes = tuple(Shape(name, (TRIANGLE,)) for name in names)
    return Annotations(tuple(names), (Annotated(path, shapes, size),))


def test_splits_share_their_ids(tmp_path):
    write_masks(annotated(photo(tmp_path / "x", "a.png"), "a", "b"), tmp_path / "out", "train")
    write_masks(annotated(photo(tmp_path / "x", "c.png"), "b"), tmp_path / "out", "val")
    mask = np.asarray(Image.open(tmp_path / "out" / "val" / "masks" / "c.png"))
    assert np.unique(mask).tolist() == [0, 2]
    with pytest.raises(DataError, match=r".classes: has no class new"):
        write_masks(annotated(photo(tmp_path / "x", "d.png"), "new"), tmp_path / "out", "test")


def test_images_that_do_not_fit_are_all_named(tmp_path):
    path = photo(tmp_path / "x")
    one = annotated(path, "a", size=(60, 81)).images + annotated(tmp_path / "none.png", "a").images
    with pytest.raises(DataError) as caught:
        write_masks(Annotations(("a",), one), tmp_path / "out")
    assert "has 80x60 pixels, and its annotations are of 81x60" in str(caught.value)
    assert "none.png: is missing" in str(caught.value)


def test_images_of_one_name_are_refused(tmp_path):
    two = (
        annotated(photo(tmp_path / "x"), "a").images + annotated(photo(tmp_path / "y"), "a").images
    )
    with pytest.raises(DataError, match="2 images are called a"):
        write_masks(Annotations(("a",), two), tmp_path / "out")


def test_too_many_classes_are_refused(tmp_path):
    many = annotated(photo(tmp_path / "x"), *(f"c{i}" for i in range(255)))
    with pytest.raises(DataError, match="255 classes do not fit"):
        write_masks(many, tmp_path / "out")


def test_the_command_writes_what_a_folder_reads(tmp_path):
    coco(tmp_path, [[flat(TRIANGLE)], [flat(STAR)]])
    arguments = ["data", "convert", str(tmp_path / "coco.json"), "--format", "coco"]
    arguments += ["--images", str(tmp_path / "photos"), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert "classes:\n  - background\n  - cat\n  - dog\n" in result.output
    photo(tmp_path / "out" / "images", "b.png")
    Image.new("L", SIZE[::-1]).save(tmp_path / "out" / "masks" / "b.png")
    settings = FolderData(
        dataset="folder",
        root=tmp_path / "out",
        classes=["background", "cat", "dog"],
        image_size=(60, 80),
        test=0,
    )
    dataset = Folder(settings)
    dataset.check()
    splits = [(s, i) for s in ("train", "val") for i in range(len(dataset.names(s)))]
    labels = [dataset.load(*each)[1] for each in splits]
    assert sorted(len(np.unique(label)) for label in labels) == [1, 3]
