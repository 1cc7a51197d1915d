"""Faulty annotations are refused in plain words; the printed class table loads in a sweep file."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.config.parsing.yaml_source import load_yaml
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.convert.coco import read_coco
from searchctl.trainer.data.convert.labelme import read_labelme
from searchctl.trainer.data.convert.write import write_masks
from searchctl.trainer.data.convert.yolo import read_yolo

HEIGHT, WIDTH = 6, 8
SQUARE = [[1, 1, 5, 1, 5, 5, 1, 5]]
FAR = [[20, 20, 30, 20, 30, 30]]
SHARES = "0 0.1 0.1 0.9 0.1 0.9 0.9"


def photo(directory):
    directory.mkdir(exist_ok=True)
    Image.new("RGB", (WIDTH, HEIGHT)).save(directory / "a.png")
    return directory


def coco(root, *annotations, name="cat"):
    image = {"id": 7, "file_name": "a.png", "height": HEIGHT, "width": WIDTH}
    categories = [{"id": 3, "name": name}, {"id": 4, "name": "dog"}]
    known = [{"id": 90 + i, "image_id": 7, "category_id": 3} | e for i, e in enumerate(annotations)]
    content = {"images": [image], "annotations": known, "categories": categories}
    (root / "coco.json").write_text(json.dumps(content))
    return read_coco(root / "coco.json", photo(root / "photos"))


def labelme(root, *shapes):
    content = {"imagePath": "a.png", "shapes": shapes}
    (photo(root) / "a.json").write_text(json.dumps(content))
    return read_labelme(root)


def labelled(label):
    return {"label": label, "points": [[1, 1], [5, 1], [5, 5]]}


def yolo(root, files, names=("a", "b")):
    (root / "labels").mkdir()
    for name, text in files.items():
        (root / "labels" / name).write_text(text)
    return read_yolo(root / "labels", photo(root / "photos"), names)


def runs(counts, size=(HEIGHT, WIDTH)):
    return {"segmentation": {"counts": counts, "size": list(size)}}


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (runs([10, -5, 43]), "run lengths that are not whole numbers from 0"),
        (runs([10, 5.5, 32.5]), "run lengths that are not whole numbers from 0"),
        (runs("@@@zz~"), "run lengths that are not whole numbers from 0"),
        (runs([10, 5]), "run lengths of 15 pixels, not of 6x8"),
        (
            runs([10, 38], (WIDTH, HEIGHT)),
            r"run lengths of the size \[8, 6\], and its image is \[6, 8\]",
        ),
        ({"segmentation": [[1, 1, float("nan"), 1, 5, 5]]}, "a coordinate that is NaN"),
        ({"segmentation": [[1, 1, float("inf"), 1, 5, 5]]}, "a coordinate that is NaN, infinite"),
        ({"segmentation": [[1, 1, None, 1, 5, 5]]}, "a corner that is not two numbers"),
        ({"segmentation": [[1, 1, 5, 1, 5]]}, "a polygon of 5 coordinates: each corner needs"),
        ({"segmentation": [[1, 1, 5, 1]]}, "a polygon of 2 corners"),
        ({"segmentation": [1, 1, 5, 1, 5, 5]}, "a polygon that is no list"),
        ({"bbox": [1, 1, 5, 5]}, "no segmentation; boxes are not masks: draw a polygon"),
        ({"bbox": [1, 1, 5, 5], "segmentation": []}, "no segmentation; boxes are not masks"),
    ],
)
def test_a_faulty_coco_annotation_is_named(tmp_path, annotation, words):
    with pytest.raises(DataError, match=rf"coco.json, annotation 91: has {words}"):
        coco(tmp_path, {"segmentation": SQUARE}, annotation)


def test_coco_annotations_of_no_image_are_named_together(tmp_path):
    with pytest.raises(DataError, match="annotation 90, 91: is of no image of the file"):
        coco(tmp_path, *[{"image_id": 77, "segmentation": SQUARE}] * 2)


def test_coco_annotations_of_similar_faults_are_each_named(tmp_path):
    faults = [{"segmentation": [[1.0] * count]} for count in (5, 7)]
    with pytest.raises(DataError, match=r"annotation 90: .* \(and so .*coco.json, annotation 91\)"):
        coco(tmp_path, *faults)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{oops", r"is no JSON \(line 1: "),
        ("[1, 2]", r"\[1, 2\] must be an object with 'categories'"),
        ('{"categories": [{"id": 1, "name": null}]}', "'name' must be a text, not null"),
        ('{"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}', "has one id twice"),
    ],
)
def test_a_file_that_is_not_coco_is_refused_in_plain_words(tmp_path, content, words):
    (tmp_path / "coco.json").write_text(content)
    with pytest.raises(DataError, match=rf"coco.json: .*{words}"):
        read_coco(tmp_path / "coco.json", tmp_path)


@pytest.mark.parametrize("stated", [{}, {"area": 0}])
def test_large_objects_are_drawn_first_whatever_area_is_stated(tmp_path, stated):
    everywhere = {"segmentation": [[0, 0, WIDTH, 0, WIDTH, HEIGHT, 0, HEIGHT]], "category_id": 4}
    annotations = coco(tmp_path, {"segmentation": SQUARE}, everywhere | stated)
    write_masks(annotations, tmp_path / "out")
    mask = np.asarray(Image.open(tmp_path / "out" / "masks" / "a.png"))
    assert np.bincount(mask.ravel()).tolist() == [0, 16, 32]


@pytest.mark.parametrize(("polygons", "empty", "outside"), [(FAR, 1, 1), (SQUARE, 0, 0)])
def test_objects_outside_of_the_image_are_counted(tmp_path, polygons, empty, outside):
    found = write_masks(coco(tmp_path, {"segmentation": polygons}), tmp_path / "out")
    assert (found.empty, len(found.outside)) == (empty, outside)


@pytest.mark.parametrize(
    ("files", "names", "words"),
    [
        ({"a.txt": SHARES}, ["a", "b", "a"], "--names: 'a' is the name of 2 classes"),
        ({"a.txt": SHARES, "77.txt": SHARES}, ["a"], "77.txt: no image of this name is in"),
        ({}, ["a"], "labels: holds no .txt file of labels"),
        ({"classes.txt": "a"}, ["a"], "labels: holds no .txt file of labels"),
    ],
)
def test_yolo_labels_that_fit_no_image_or_name_are_refused(tmp_path, files, names, words):
    with pytest.raises(DataError, match=words):
        yolo(tmp_path, files, names)


def test_yolo_names_beside_the_labels_are_not_labels(tmp_path):
    assert len(yolo(tmp_path, {"a.txt": SHARES, "classes.txt": "a"}).images[0].shapes) == 1


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (labelled(None), "'label' must be a text, not null"),
        ({"points": [[1, 1]]}, "has no 'label'"),
        ({"label": "a"}, "has no 'points'"),
        ({"label": "a", "points": [[1, 1], [5, 1]]}, "has a polygon of 2 corners"),
        ({"label": "a", "points": [[1, 1], [5, 1], 5]}, "has a corner that is not two numbers"),
        ({"label": "a", "points": [[1, 1]], "shape_type": "circle"}, "a circle of 1 points"),
    ],
)
def test_a_faulty_labelme_shape_is_named(tmp_path, shape, words):
    with pytest.raises(DataError, match=rf"a.json: shape 2: .*{words}"):
        labelme(tmp_path, labelled("a"), shape)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [([], "have no objects"), ([labelled(" ")], "is blank"), ([labelled("a\nb")], "control")],
)
def test_classes_that_no_sweep_file_takes_are_refused(tmp_path, shapes, words):
    with pytest.raises(DataError, match=words):
        write_masks(labelme(tmp_path, *shapes), tmp_path / "out")


NAMES = ["1", "null", "true", "- x", "1e-3", "2**3", "a: b", "#c", "it's", "~", "é", " d", "[e"]


@pytest.mark.parametrize("name", NAMES)
def test_the_printed_class_table_loads_in_a_sweep_file(tmp_path, name):
    coco(tmp_path, {"segmentation": FAR}, name=name)
    arguments = ["data", "convert", str(tmp_path / "coco.json"), "--format", "coco"]
    arguments += ["--images", str(tmp_path / "photos"), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert "warning: 1 object outside of the image" in result.stderr
    assert "1 of them without an object" in result.stderr
    (tmp_path / "sweep.yaml").write_text(result.stdout, encoding="utf-8")
    data = load_yaml(tmp_path / "sweep.yaml").value["data"]
    assert data["classes"] == ["background", name, "dog"]
