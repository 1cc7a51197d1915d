import os
import resource
import stat

import pytest
from upath import UPath

from searchctl.trainer.core.atomic_files import NoRoom, read_file, remove_file, write_atomically
from searchctl.trainer.core.stopping import status_for_error


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


def test_without_room_the_error_names_the_file_and_the_job_is_not_repeated(tmp_path):
    path = UPath(tmp_path / "masks.png")
    write_atomically(path, b"earlier")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # as a quota, for this process
    try:
        with pytest.raises(NoRoom) as refused:
            write_atomically(path, bytes(2_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert f"File too large: {path} needs 2.0 MB, and " in str(refused.value)
    assert str(refused.value).endswith("are free there")
    assert status_for_error(refused.value) == "unusable"
    assert read_file(path) == b"earlier"
    assert os.listdir(tmp_path) == ["masks.png"]
