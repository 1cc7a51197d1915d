"""A node's view of a sweep's data set and of the directory of its files. Changes nothing.

`searchctl launch` writes markers to find out whether nodes share a directory. Here, two directories
count as different if both their inode numbers and their contents differ. Either alone may differ
for a shared one: by the kind of its mount, or by what others write meanwhile.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from upath import UPath

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.trainer.core.atomic_files import read_file
from searchctl.trainer.core.errors import TrainerError
from searchctl.trainer.data.fingerprints import listing_fingerprint
from searchctl.trainer.data.settings import DataSettings

SHARE = (
    "set storage.runs to a directory that all nodes share, or to a store such as s3://bucket/runs"
)
"""The fix if a node does not see the sweep's files."""


@dataclass(frozen=True)
class NodeLocations:
    """Locations that every node that runs jobs of a sweep must see."""

    data: DataSettings
    runs: UPath
    """`storage.runs`, absolute."""


@dataclass(frozen=True)
class NodeView:
    """One machine's view of them."""

    data: str
    """Fingerprint of the names and sizes of the data set's files; empty if they are missing."""
    data_fault: str
    """Why they are missing."""
    nearest: str
    """The directory, or its nearest existing parent; empty for a store."""
    number: int
    """Inode number of that directory."""
    holds: str
    """Fingerprint of the names in it."""
    runs_fault: str
    """Why files cannot be written there, or a store cannot be read."""


def locations_of(sweep: Sweep) -> NodeLocations:
    """Return the locations that a sweep's nodes must see."""
    return NodeLocations(sweep.data, UPath(sweep.storage.runs).absolute())


def node_view_of(locations: NodeLocations) -> NodeView:
    """Return the view of the machine that this runs on."""
    data, fault = "", ""
    try:
        data = listing_fingerprint(locations.data)
    except (TrainerError, OSError, ImportError) as error:
        fault = str(error).splitlines()[0]
    local = locations.runs.protocol in ("", "file", "local")
    runs = (
        _directory(Path(locations.runs.path))
        if local
        else ("", 0, "", _store_fault(locations.runs))
    )
    return NodeView(data, fault, *runs)


def unseen(locations: NodeLocations, here: NodeView, there: NodeView) -> Iterator[tuple[str, str]]:
    """Yield what a node does not see as the driver's machine does: each problem with its fix.

    What the driver's machine itself does not see is no problem of a node.
    """
    data = getattr(locations.data, "root", None) or f"data set '{locations.data.dataset}'"
    if here.data and there.data_fault:
        yield there.data_fault, "let it see the data set at the same place"
    elif here.data and there.data != here.data:
        found = f"{data} holds other files there than on the driver's machine"
        yield found, "let both see the same files"
    if there.runs_fault and not here.runs_fault:
        yield there.runs_fault, SHARE
    elif _is_another(here, there):
        yield f"{locations.runs} is not there what the driver's machine sees", SHARE


def _is_another(here: NodeView, there: NodeView) -> bool:
    differ = here.number != there.number and here.holds != there.holds
    return here.nearest != there.nearest or differ


def _directory(runs: Path) -> tuple[str, int, str, str]:
    """Return nearest, number, holds and fault of a directory, which may not exist yet."""
    nearest = next(each for each in (runs, *runs.parents) if each.exists())
    try:
        names = "\n".join(sorted(os.listdir(nearest)))
    except OSError as error:  # not a directory, or no permission
        return str(nearest), 0, "", f"{nearest} cannot be used ({error.strerror})"
    may = os.access(nearest, os.W_OK | os.X_OK)
    fault = "" if may else f"{nearest} cannot be written to"
    holds = hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()[:16]
    return str(nearest), nearest.stat().st_ino, holds, fault


def _store_fault(runs: UPath) -> str:
    """Read a missing file of a store, to find out whether the store answers."""
    try:
        read_file(runs / ".doctor")
    except FileNotFoundError:
        return ""
    except (OSError, ImportError) as error:  # ImportError: the package for s3:// is missing
        return f"{runs} cannot be read ({getattr(error, 'strerror', None) or error})"
    return ""
