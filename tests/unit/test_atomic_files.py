import os
import stat

import pytest
from upath import UPath

from searchctl.trainer.core.atomic_files import read_file, remove_file, write_atomically


@pytest.fixture(params=["path", "file", "memory"])
def folder(request, tmp_path):
    """A directory that does not exist yet, on a disk or in a store."""
    if request.param == "path":
        return UPath(tmp_path / "new")
    return UPath(f"{request.param}://{tmp_path}/new")


def test_a_file_is_written_replaced_read_and_removed(folder):
    path = folder / "below" / "file"
    for content in (b"first", memoryview(b"second, and longer"), b"3"):
        write_atomically(path, content)
        assert read_file(path) == bytes(content)
    for _ in range(2):
        remove_file(path)
        with pytest.raises(FileNotFoundError):
            read_file(path)


def test_a_new_name_is_given_after_its_bytes_are_on_the_disk_and_is_then_pressed_through(
    tmp_path, monkeypatch
):
    seen = []

    def fsync(descriptor):
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        seen.append((is_folder, (tmp_path / "file").exists()))
        real_fsync(descriptor)

    real_fsync = os.fsync
    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(UPath(tmp_path / "file"), b"content")
    assert seen == [(False, False), (True, True)]


def test_an_error_of_a_stores_own_library_is_an_os_error(monkeypatch):
    folder = UPath("memory://refused")

    def refuse(*_, **__):
        raise KeyError("NoCredentialsError")

    for name in ("pipe_file", "cat_file", "rm_file"):
        monkeypatch.setattr(type(folder.fs), name, refuse)
    for do in (lambda path: write_atomically(path, b""), read_file, remove_file):
        with pytest.raises(OSError, match=f"{folder}/file: KeyError: 'NoCredentialsError'"):
            do(folder / "file")
