from collections import Counter

import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.published.oxford_pets import OxfordPets
from searchctl.trainer.data.settings import OxfordPetsData

LISTED = {
    "trainval": [f"{breed}_{n}" for breed in ("Bengal", "great_pyrenees") for n in range(10)],
    "test": ["Bengal_10", "great_pyrenees_10"],
}
HEADER = "#Image CLASS-ID SPECIES BREED ID\n#ID: 1:37 Class ids\n\n"


@pytest.fixture
def root(tmp_path):
    """Two breeds in the official layout, with comments in the lists."""
    (tmp_path / "images").mkdir()
    (tmp_path / "annotations" / "trimaps").mkdir(parents=True)
    for name, names in LISTED.items():
        write_list(tmp_path, name, names)
        for stem in names:
            Image.new("RGB", (6, 4), "gray").save(image(tmp_path, stem))
            Image.new("L", (6, 4), 1).save(trimap(tmp_path, stem))
    return tmp_path


def image(root, name):
    return root / "images" / f"{name}.jpg"


def trimap(root, name):
    return root / "annotations" / "trimaps" / f"{name}.png"


def write_list(root, name, names):
    lines = "".join(f"{stem} 6 1 2\n" for stem in names)
    (root / "annotations" / f"{name}.txt").write_text(HEADER + lines)


def pets(root, **changes):
    settings = {"image_size": (8, 8), **changes}
    return OxfordPets(OxfordPetsData(dataset="oxford_pets", root=root, **settings))


def breeds(dataset, split):
    return Counter(name.rpartition("_")[0] for name in dataset.names(split))


def test_only_what_the_lists_name_is_an_image(root):
    for stranger in ("images/Bengal_99.mat", "images/._Bengal_1.jpg", "images/Bengal_99.jpg"):
        (root / stranger).write_bytes(b"\x00\x05\x16\x07")
    trimap(root, "._Bengal_1").write_bytes(b"\x00\x05\x16\x07")
    dataset = pets(root)
    dataset.check()
    named = {*dataset.names("train"), *dataset.names("val"), *dataset.names("test")}
    assert named == {*LISTED["trainval"], *LISTED["test"]}


def test_a_fifth_of_each_breed_validates(root):
    dataset = pets(root)
    assert breeds(dataset, "train") == {"Bengal": 8, "great_pyrenees": 8}
    assert breeds(dataset, "val") == {"Bengal": 2, "great_pyrenees": 2}


def test_a_split_depends_on_the_names_alone(root):
    before = {split: set(pets(root).names(split)) for split in ("train", "val")}
    write_list(root, "trainval", LISTED["trainval"][::-1])
    assert {split: set(pets(root).names(split)) for split in ("train", "val")} == before
    assert before["val"] == {"Bengal_7", "Bengal_9", "great_pyrenees_3", "great_pyrenees_6"}


def test_one_image_more_moves_one_at_most(root):
    before = set(pets(root).names("val"))
    write_list(root, "trainval", [*LISTED["trainval"], "Bengal_77"])
    assert len(before - set(pets(root).names("val"))) <= 1


@pytest.mark.parametrize(
    ("border", "names", "ids"),
    [
        ("ignore", ("pet", "background"), [0, 1, 255]),
        ("class", ("pet", "background", "border"), [0, 1, 2]),
    ],
)
def test_the_border_is_ignored_or_a_class(root, border, names, ids):
    values = np.array([[1, 2, 3, 3, 2, 1]] * 4, dtype=np.uint8)
    Image.fromarray(values).save(trimap(root, "Bengal_10"))
    dataset = pets(root, border=border)
    assert dataset.class_names == names
    assert np.array_equal(dataset.load("test", 0)[1], np.array(ids)[values - 1])


@pytest.mark.parametrize("border", ["ignore", "class"])
@pytest.mark.parametrize("value", [0, 4, 255])
def test_any_other_value_of_a_trimap_is_named(root, border, value):
    Image.new("L", (6, 4), value).save(trimap(root, "Bengal_10"))
    with pytest.raises(DataError, match=rf"trimaps/Bengal_10\.png: class id {value} in a mask"):
        pets(root, border=border).load("test", 0)


@pytest.mark.parametrize(
    ("mode", "file_format"), [("L", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("P", "GIF")]
)
def test_whatever_a_jpg_really_is_it_is_read_as_rgb(root, mode, file_format):
    picture = Image.new("RGB", (6, 4), "white").convert(mode)
    picture.save(image(root, "Bengal_10"), file_format)
    assert (pets(root).load("test", 0)[0] == np.full((4, 6, 3), 255)).all()


def test_a_jpg_that_is_cut_short_is_named_when_it_is_read(root):
    path = image(root, "Bengal_10")
    Image.effect_noise((64, 48), 50).save(path)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(DataError, match=rf"{path}: cannot be read"):
        pets(root).load("test", 0)


def test_files_of_the_lists_that_are_missing_or_do_not_fit_are_named_at_once(root):
    image(root, "Bengal_2").unlink()
    trimap(root, "Bengal_10").unlink()
    Image.new("L", (5, 4), 1).save(trimap(root, "Bengal_3"))
    with pytest.raises(DataError) as caught:
        pets(root).check()
    *problems, fix = str(caught.value).splitlines()
    assert sorted(problem.partition(": ")[0] for problem in problems) == [
        str(trimap(root, "Bengal_3")),
        str(image(root, "Bengal_2")),
    ]
    assert f"and so in 1 more file: {trimap(root, 'Bengal_10')}" in problems[0]
    assert "trainval.txt and test.txt name these" in fix


def test_a_malformed_list_line_is_named(root):
    (root / "annotations" / "test.txt").write_text(f"{HEADER}Bengal 10 6 1 2\n")
    with pytest.raises(
        DataError, match=r"test\.txt:4: expected 'image class species breed', found"
    ):
        pets(root).names("test")


@pytest.mark.parametrize("name", ["trainval", "test"])
def test_a_missing_list_is_named(root, name):
    (root / "annotations" / f"{name}.txt").unlink()
    with pytest.raises(DataError, match=rf"{name}\.txt: cannot be read .* is `root` right"):
        pets(root).check()


def test_the_images_that_no_list_names_are_in_no_split(oxford_pets_root):
    dataset = pets(oxford_pets_root)
    names = {name for split in ("train", "val", "test") for name in dataset.names(split)}
    unlisted = {path.stem for path in (oxford_pets_root / "images").iterdir()} - names
    assert {"Abyssinian_34", "Abyssinian_82"} <= unlisted


def test_every_breed_is_in_every_split_of_the_real_lists(oxford_pets_root):
    dataset = pets(oxford_pets_root)
    train, val, test = (breeds(dataset, split) for split in ("train", "val", "test"))
    assert train.keys() == val.keys() == test.keys()
    assert all(val[breed] == (train[breed] + val[breed]) // 5 for breed in val)


def test_the_real_png_with_alpha_that_is_called_jpg_is_read(oxford_pets_root):
    dataset = pets(oxford_pets_root)
    picture, label = dataset.load("test", dataset.names("test").index("Abyssinian_5"))
    assert picture.shape == (*label.shape, 3)


def test_real_pets_are_in_the_middle_of_a_background(oxford_pets_root):
    dataset = pets(oxford_pets_root, border="class")
    labels = [dataset.load("val", index)[1] for index in range(len(dataset.names("val")))]
    middles = [label[label.shape[0] // 2, label.shape[1] // 2] for label in labels]
    corners = [label[0, 0] for label in labels]
    assert Counter(middles).most_common(1)[0][0] == dataset.class_names.index("pet")
    assert Counter(corners).most_common(1)[0][0] == dataset.class_names.index("background")
    border = np.mean([(label == dataset.class_names.index("border")).mean() for label in labels])
    assert 0.05 < border < 0.2
