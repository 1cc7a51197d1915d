"""Images in one directory for each class: what counts, what is refused, and who validates."""

import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.folders.image_folder import ImageFolder
from searchctl.trainer.data.settings import ImageFolderData


def save(path, colour=(10, 20, 30), size=(6, 4), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, **options)
    return path


@pytest.fixture
def root(tmp_path):
    """Ten cats and five dogs, in train/."""
    for name, count in (("cat", 10), ("dog", 5)):
        for index in range(count):
            save(tmp_path / "train" / name / f"{index}.png")
    return tmp_path


def dataset(root):
    settings = ImageFolderData(dataset="image_folder", root=root, image_size=(8, 8))
    assert settings.task == "classification"
    return ImageFolder(settings)


def classes_of(data, split):
    return [int(data.load(split, i)[1].item()) for i in range(len(data.names(split)))]


def test_classes_are_the_directories_by_name_and_a_label_is_one_pixel(root):
    data = dataset(root)
    assert data.class_names == ("cat", "dog")
    image, label = data.load("train", 0)
    assert (image.shape, label.shape, label.dtype) == ((4, 6, 3), (1, 1), np.uint8)
    assert classes_of(data, "train") == [0] * 8 + [1] * 4


def test_a_fifth_of_each_class_validates_where_no_directory_says_which(root):
    data = dataset(root)
    assert classes_of(data, "val") == [0, 0, 1]
    assert not set(data.names("val")) & set(data.names("train"))
    assert data.names("test") == ()


def test_who_validates_depends_on_no_other_image(root):
    before = dataset(root).names("val")
    save(root / "train" / "cat" / "another.png")
    save(root / "train" / "owl" / "first.png")
    assert len(set(before) - set(dataset(root).names("val"))) <= 1


def test_the_directories_val_and_test_are_what_is_scored(root):
    save(root / "val" / "dog" / "a.png")
    save(root / "test" / "cat" / "b.png")
    data = dataset(root)
    assert len(data.names("train")) == 15
    assert (data.names("val"), data.names("test")) == (("val/dog/a.png",), ("test/cat/b.png",))
    assert (classes_of(data, "val"), classes_of(data, "test")) == ([1], [0])


def test_directories_of_classes_alone_are_the_whole_data_set(root):
    data = dataset(root / "train")
    assert data.class_names == ("cat", "dog")
    assert (len(data.names("train")), len(data.names("val"))) == (12, 3)


def test_a_class_may_be_called_train(tmp_path):
    for name in ("train", "tram"):
        save(tmp_path / name / "1.png")
    assert dataset(tmp_path).class_names == ("train", "tram")


def test_a_class_of_one_image_is_trained_on(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / name / "1.png")
    assert dataset(tmp_path).names("train") == ("a/1.png", "b/1.png")


def test_what_is_hidden_or_of_a_file_manager_is_passed_over(root):
    before = dataset(root).fingerprint_parts()
    (root / "train" / ".cache").mkdir()
    (root / "train" / "cat" / "._0.png").write_bytes(b"resource fork")
    (root / "train" / "cat" / "Thumbs.db").write_bytes(b"thumbs")
    (root / "train" / "README.md").write_text("cats and dogs")
    assert dataset(root).fingerprint_parts() == before


def test_an_image_is_turned_as_it_is_meant_to_be_seen(root):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter to the right
    save(root / "train" / "cat" / "00.jpg", size=(6, 4), exif=exif)
    data = dataset(root)
    assert data.load("train", data.names("train").index("train/cat/00.jpg"))[0].shape == (6, 4, 3)


def refused(root):
    data = dataset(root)
    with pytest.raises(DataError) as error:
        data.check()
    return str(error.value).splitlines()


def test_a_class_that_is_not_trained_on_cannot_be_scored(root):
    save(root / "val" / "owl" / "1.png")
    assert refused(root) == [
        f"{root}/val/owl: is of no class: {root}/train has no owl/",
    ]


def test_valid_beside_train_validates_and_two_are_refused(root):
    for name in ("cat", "dog"):
        save(root / "valid" / name / "1.png")
    assert dataset(root).names("val")
    assert all(name.startswith("valid/") for name in dataset(root).names("val"))
    (root / "val").mkdir()
    assert refused(root) == [f"{root}: holds val and valid, both for val: leave one"]


def test_an_empty_class_is_named(root):
    (root / "train" / "owl").mkdir()
    (root / "train" / "asp").mkdir()
    (both,) = refused(root)
    assert both.startswith(f"{root}/train/asp: holds no images; add some, or remove")
    assert both.endswith(f"(and so in 1 more file: {root}/train/owl)")


def test_all_files_that_are_no_images_are_named_at_once(root):
    (root / "train" / "cat" / "notes.txt").write_text("cats")
    (root / "train" / "dog" / "puppies").mkdir()
    save(root / "train" / "stray.png")
    cat, dog, stray = refused(root)
    assert cat.startswith(f"{root}/train/cat/notes.txt: is no image (.bmp, ")
    assert dog == f"{root}/train/dog/puppies: is a directory in a class's: move its images up"
    assert stray.startswith(f"{root}/train/stray.png: lies beside the classes' directories")


def test_every_image_that_does_not_open_is_named(root):
    for name in ("cat/3.png", "dog/1.png"):
        (root / "train" / name).write_bytes(b"no picture")
    (both,) = refused(root)
    assert both.startswith(f"{root}/train/cat/3.png: cannot be read (")
    assert both.endswith(f"(and so in 1 more file: {root}/train/dog/1.png)")


def test_an_image_that_ends_early_is_named_when_it_is_read(root):
    path = save(root / "train" / "cat" / "00.png", size=(200, 200))
    path.write_bytes(path.read_bytes()[:120])
    data = dataset(root)
    data.check()
    with pytest.raises(DataError, match=r"cat/00\.png: cannot be read"):
        data.load("train", data.names("train").index("train/cat/00.png"))


def test_more_classes_than_a_byte_can_encode_are_refused(tmp_path):
    for index in range(256):
        (tmp_path / f"{index:03}").mkdir()
    with pytest.raises(DataError, match="holds 256 classes; more than 255 cannot be distinguished"):
        dataset(tmp_path).names("train")


def test_a_single_class_is_refused(tmp_path):
    save(tmp_path / "train" / "cat" / "1.png")
    with pytest.raises(DataError, match="holds 1 directories, of at least 2 classes"):
        dataset(tmp_path).names("train")


def test_splits_without_directories_of_classes_are_not_taken_for_classes(tmp_path):
    for split in ("train", "val"):
        save(tmp_path / split / "1.png")
    with pytest.raises(DataError, match="train: holds no directories, one for each class"):
        dataset(tmp_path).names("train")


def test_a_missing_root_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere: cannot be listed"):
        dataset(tmp_path / "nowhere").names("train")


def test_another_image_changes_the_fingerprint(root):
    before = dataset(root).fingerprint_parts()
    save(root / "train" / "dog" / "9.png")
    assert dataset(root).fingerprint_parts() != before
