"""searchctl's own code for a cluster: a folder that precedes the packages installed there.

Nodes need the packages that searchctl depends on, and not searchctl: all of them run the code that
the sweep was launched with.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from searchctl.trainer.core.errors import OWN_PACKAGE


@contextmanager
def code_folder() -> Iterator[Path]:
    """Yield a folder with our package and the metadata of its version."""
    with TemporaryDirectory(prefix="searchctl-code-") as name:
        folder = Path(name)
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(str(files(OWN_PACKAGE)), folder / OWN_PACKAGE, ignore=ignored)
        _write_version(folder)
        yield folder


def _write_version(folder: Path) -> None:
    ours = distribution("searchctl")
    described = folder / f"searchctl-{ours.version}.dist-info" / "METADATA"
    described.parent.mkdir()
    described.write_text(f"Metadata-Version: 2.1\nName: searchctl\nVersion: {ours.version}\n")
