import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.folders.folder import Folder
from searchctl.trainer.data.settings import FolderData

COLOURS = [{"name": "land", "color": (255, 255, 0)}, {"name": "water", "color": (0, 0, 255)}]


@pytest.fixture
def root(tmp_path):
    return filled(tmp_path, 5)


def filled(directory, count):
    for kind in ("images", "masks"):
        (directory / kind).mkdir(parents=True)
    for index in range(count):
        Image.new("RGB", (6, 4), (index, 0, 0)).save(directory / "images" / f"{index}.png")
        Image.new("L", (6, 4), 1).save(directory / "masks" / f"{index}.png")
    return directory


def folder(root, **changes):
    settings = {"classes": ["a", "b"], "image_size": (8, 8), "test": 0, **changes}
    return Folder(FolderData(dataset="folder", root=root, **settings))


def first(dataset, name="0.png"):
    """Load the image of this name, in whichever split it is."""
    split = next(s for s in ("train", "val", "test") if name in dataset.names(s))
    return dataset.load(split, dataset.names(split).index(name))


def save_mask(root, values, mode=None):
    picture = Image.fromarray(np.asarray(values))
    if mode == "P":
        picture = picture.convert("P") if picture.mode == "L" else picture
        picture.putpalette([200, 10, 10, 10, 200, 10] + [0] * 762)
    picture.save(root / "masks" / "0.png")


def test_dot_files_and_strangers_are_not_images(root):
    for stranger in ("images/._0.png", "masks/._0.png", "images/notes.txt", "images/0.mat"):
        (root / stranger).write_bytes(b"\x00\x05\x16\x07")
    dataset = folder(root)
    assert sorted(dataset.names("train") + dataset.names("val")) == [f"{i}.png" for i in range(5)]
    dataset.check()


@pytest.mark.parametrize(("share", "expected"), [(0.2, 1), (0.4, 2), (0.01, 1)])
def test_the_validation_share_is_counted_out_and_never_none(root, share, expected):
    dataset = folder(root, val=share)
    assert (len(dataset.names("train")), len(dataset.names("val"))) == (5 - expected, expected)


def test_a_hashed_split_hardly_changes_when_an_image_is_added(tmp_path):
    before = folder(filled(tmp_path, 50))
    kept = set(before.names("val"))
    Image.new("RGB", (6, 4)).save(tmp_path / "images" / "new.png")
    assert len(kept & set(folder(tmp_path).names("val"))) >= len(kept) - 1


def test_split_directories_are_taken_as_they_are(tmp_path):
    for split, count in (("train", 4), ("val", 2), ("test", 3)):
        filled(tmp_path / split, count)
    dataset = folder(tmp_path, val=0.5, test=0.4)
    assert [len(dataset.names(split)) for split in ("train", "val", "test")] == [4, 2, 3]


def test_a_missing_val_directory_is_cut_from_train(tmp_path):
    filled(tmp_path / "train", 10)
    filled(tmp_path / "test", 3)
    dataset = folder(tmp_path, val=0.2, test=0.5)
    assert [len(dataset.names(split)) for split in ("train", "val", "test")] == [8, 2, 3]


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [("P", "GIF"), ("RGBA", "PNG"), ("L", "PNG"), ("CMYK", "JPEG"), ("LA", "PNG"), ("1", "BMP")],
)
def test_whatever_a_jpg_really_is_it_is_read_as_rgb(root, mode, file_format):
    (root / "images" / "0.png").unlink()
    Image.new("RGB", (6, 4), "white").convert(mode).save(root / "images" / "0.jpg", file_format)
    image, _ = first(folder(root), "0.jpg")
    assert image.shape == (4, 6, 3)
    assert (image == 255).all()


def test_a_palette_with_transparency_is_read_as_rgb(root):
    picture = Image.new("P", (6, 4), 1)
    picture.putpalette([0, 0, 0, 9, 8, 7])
    picture.save(root / "images" / "0.png", transparency=b"\x00\xff")
    assert (first(folder(root))[0] == (9, 8, 7)).all()


def test_sixteen_bit_images_are_refused_rather_than_clipped(root):
    Image.fromarray(np.full((4, 6), 3000, np.uint16)).save(root / "images" / "0.png")
    with pytest.raises(DataError, match=r"images/0\.png: has 16 bits a channel"):
        first(folder(root))


def test_an_image_that_exif_turns_is_named_where_its_mask_is_drawn_as_shown(root):
    exif = Image.Exif()
    exif[0x112] = 6
    (root / "images" / "0.png").unlink()
    Image.new("RGB", (6, 4)).save(root / "images" / "0.jpg", exif=exif)
    Image.new("L", (4, 6)).save(root / "masks" / "0.png")
    with pytest.raises(DataError, match=r"the mask is 4x6, its image .*6x4: EXIF data turn"):
        folder(root).check()


def test_palette_masks_give_indices_not_colours(root):
    ids = np.array([[0, 1, 1, 0, 0, 1]] * 4, dtype=np.uint8)
    save_mask(root, ids, "P")
    assert np.array_equal(first(folder(root))[1], ids)


def test_palette_masks_give_colours_where_the_classes_have_colours(root):
    picture = Image.new("P", (6, 4), 1)
    picture.putpalette([0, 0, 0, 0, 0, 255])
    picture.save(root / "masks" / "0.png")
    assert (first(folder(root, classes=COLOURS))[1] == 1).all()


def test_colours_are_matched_exactly_and_others_ignored(root):
    colours = [(255, 255, 0), (0, 0, 255), (0, 0, 254), (255, 0, 0), (0, 0, 0), (255, 255, 0)]
    save_mask(root, np.array([colours] * 4, dtype=np.uint8))
    dataset = folder(root, classes=COLOURS)
    assert first(dataset)[1][0].tolist() == [0, 1, 255, 255, 255, 0]
    assert dataset.palette == ((255, 255, 0), (0, 0, 255))


def test_ids_may_begin_at_one_and_any_value_may_be_ignored(root):
    save_mask(root, np.array([[1, 2, 0, 0, 2, 1]] * 4, dtype=np.uint8))
    label = first(folder(root, first_id=1, ignore_index=0))[1]
    assert label[0].tolist() == [0, 1, 255, 255, 1, 0]


def test_ids_may_have_gaps_and_255_may_be_a_class(root):
    save_mask(root, np.array([[0, 255, 255, 0, 0, 0]] * 4, dtype=np.uint8))
    for name in "1234":
        Image.new("L", (6, 4)).save(root / "masks" / f"{name}.png")
    dataset = folder(root, classes={"object": 255, "background": 0})
    assert dataset.class_names == ("background", "object")
    assert first(dataset)[1][0].tolist() == [0, 1, 1, 0, 0, 0]


def test_a_class_table_of_ids_refuses_what_it_does_not_list(root):
    save_mask(root, np.array([[0, 9, 4, 5, 200, 7]] * 4, dtype=np.uint8))
    with pytest.raises(DataError, match=r"class id 5, 200 in a mask; allowed are 0, 4, 7, 9 and"):
        first(folder(root, classes={"a": 0, "b": 4, "c": 9, "d": 7}))


def test_a_stored_class_table_is_read_back_as_it_was():
    for classes in (["a", "b"], {"b": 255, "a": 0}, {"z": [1, 2, 3], "a": [0, 0, 0]}):
        settings = FolderData(dataset="folder", root="x", image_size=(8, 8), classes=classes)
        stored = settings.model_dump(mode="json")
        assert FolderData.model_validate(stored) == settings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((4, 6), 7, np.uint8), r"class id 7 in a mask; allowed are 0\.\.1 and 255"),
        (np.full((4, 6), 256, np.uint16), "class id 256 in a mask"),
        (np.arange(24, dtype=np.uint8).reshape(4, 6), r"class id 2, 3, .*9, \.\.\. in"),
        (np.zeros((4, 6, 3), np.uint8), "is a picture of mode RGB .* a colour for each class"),
        (np.zeros((5, 6), np.uint8), r"the mask is 6x5, its image .*0\.png 6x4"),
    ],
)
def test_a_mask_that_does_not_fit_is_named(root, values, message):
    save_mask(root, values)
    with pytest.raises(DataError, match=rf"masks/0\.png: .*{message}"):
        first(folder(root))


def test_check_names_every_file_that_is_wrong_at_once(root):
    (root / "masks" / "0.png").unlink()
    (root / "images" / "1.png").write_bytes(b"")
    Image.new("L", (3, 3)).save(root / "masks" / "2.png")
    with pytest.raises(DataError) as caught:
        folder(root).check()
    assert sorted(line.split(": ")[0] for line in str(caught.value).splitlines()) == [
        str(root / "images" / "1.png"),
        str(root / "masks" / "0.*"),
        str(root / "masks" / "2.png"),
    ]


def test_a_truncated_image_is_named_when_it_is_read(root):
    path = root / "images" / "0.png"
    Image.effect_noise((64, 48), 50).save(path)
    Image.new("L", (64, 48)).save(root / "masks" / "0.png")
    path.write_bytes(path.read_bytes()[:900])
    folder(root).check()  # headers are whole
    with pytest.raises(DataError, match=rf"{path}: cannot be read"):
        first(folder(root))


@pytest.mark.parametrize(
    ("directory", "message"), [("images", "holds no images"), ("nowhere", "cannot be listed")]
)
def test_a_directory_without_images_is_named(tmp_path, directory, message):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(DataError, match=f"{tmp_path / directory}: {message}"):
        folder(tmp_path, images=directory).names("train")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ignore_index": 1}, "ignore_index 1 is the id of the class 'b'"),
        ({"first_id": 255, "ignore_index": 0}, "the last class would have the id 256"),
        ({"classes": ["a", "a"]}, "two classes have the name a"),
        ({"classes": {"a": 3, "b": 3}}, "two classes have the id 3"),
        ({"classes": {"a": [0, 0, 1], "b": [0, 0, 1]}}, "two classes have the colour"),
        ({"classes": COLOURS, "first_id": 1}, "first_id has no effect beside colours"),
        ({"classes": COLOURS, "ignore_index": 0}, "ignore_index has no effect beside colours"),
        ({"classes": {"a": 1, "b": 3}, "first_id": 1}, "first_id has no effect beside ids"),
        ({"classes": {"a": 0, "b": 255}, "ignore_index": 255}, "255 is the id of the class 'b'"),
        ({"classes": {"a": 0, "b": 256}}, "'b' needs its id, 0 to 255, or its colour"),
        ({"classes": {"a": 0, "b": [1, 2, 3]}}, "ids and colours cannot be mixed"),
        ({"classes": [COLOURS[0], {"name": "b", "id": 1}]}, "ids and colours cannot be mixed"),
        ({"classes": ["a", {"name": "b", "id": 1}]}, "^1 validation error"),
        ({"classes": {"a": 0}}, "at least 2"),
        ({"val": 0.6, "test": 0.6}, "leave no training images: together they must be below 1"),
    ],
)
def test_class_tables_that_contradict_themselves_are_refused(tmp_path, changes, message):
    with pytest.raises(ValidationError, match=message):
        folder(tmp_path, **changes)
