"""What is known of a data set's pairs, from one check to the next."""

import os

import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.data.facts.book import Book
from searchctl.trainer.data.facts.image_facts import Seeing
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.settings import FolderData


@pytest.fixture
def pairs(tmp_path):
    """A data set of two images; masks have a palette, images opacity."""
    for number in range(2):
        for kind in ("images", "masks"):
            (tmp_path / kind).mkdir(exist_ok=True)
        colours = np.full((8, 9, 4), 100 + number, dtype=np.uint8)
        Image.fromarray(colours).save(tmp_path / "images" / f"{number}.png")
        mask = Image.fromarray(np.full((8, 9), number, dtype=np.uint8)).convert("P")
        mask.putpalette([0, 0, 0, 9, 9, 9])
        mask.save(tmp_path / "masks" / f"{number}.png")
    settings = FolderData(
        dataset="folder", root=tmp_path, image_size=(8, 8), classes=["a", "b"], val=0.5, test=0
    )
    return build_dataset.__wrapped__(settings)


def same(one, other):
    arrays = ("pixels", "left")
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in arrays) and all(
        getattr(one, n) == getattr(other, n)
        for n in ("size", "unlabeled", "digest", "near", "seen", "label_digest")
    )


def test_a_second_book_knows_what_the_first_one_kept(pairs, tmp_path):
    first = Book(pairs, Seeing((4, 4)), tmp_path / "book")
    facts = first.facts("train", 0)
    first.save()
    assert same(Book(pairs, Seeing((4, 4)), tmp_path / "book").known("train", 0), facts)
    assert facts.seen.palette
    assert facts.seen.see_through


def test_saving_adds_only_what_is_new(pairs, tmp_path):
    path = tmp_path / "book"
    for split in ("train", "val", "val"):
        book = Book(pairs, Seeing((4, 4)), path)
        book.facts(split, 0)
        book.save()
    assert len([line for line in path.read_bytes().splitlines() if line]) == 6
    assert Book(pairs, Seeing((4, 4)), path).knows_all()


def test_a_line_that_was_cut_off_is_skipped_and_what_follows_is_read(pairs, tmp_path):
    path = tmp_path / "book"
    first = Book(pairs, None, path)
    first.facts("train", 0)
    first.save()
    path.write_bytes(path.read_bytes()[:-20])
    assert Book(pairs, None, path).known("train", 0) is None
    second = Book(pairs, None, path)
    second.facts("train", 0)
    second.save()
    assert Book(pairs, None, path).known("train", 0) is not None


def test_a_file_of_another_mtime_is_read_again(pairs, tmp_path):
    book = Book(pairs)
    before = book.hashes("train", 0)
    image, _ = pairs.files_of("train", 0)
    state = image.stat()
    image.write_bytes(image.read_bytes()[:-1] + b"x")
    os.utime(image, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert book.hashes("train", 0)[0] != before[0]
