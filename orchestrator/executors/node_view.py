"""What a node sees of a sweep's data set and of the directory of its files. Changes nothing.

`searchctl launch` leaves markers to see whether nodes share a directory. Here, directories that
differ both in their number on the disk and in what they hold are taken for two: each alone may
differ for one that is shared, by the kind of its mount or by what others write meanwhile.
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
from searchctl.trainer.data.samples import listing_fingerprint
from searchctl.trainer.data.settings import DataSettings

SHARE = (
    "set storage.runs to a directory that all nodes share, or to a store such as s3://bucket/runs"
)
"""What to do where a node does not see the sweep's files."""


@dataclass(frozen=True)
class NodeLocations:
    """What every node that runs jobs of a sweep must see."""

    data: DataSettings
    runs: UPath
    """`storage.runs`, absolute."""


@dataclass(frozen=True)
class NodeView:
    """What one machine sees of them."""

    data: str
    """Fingerprint of the names and sizes of the data set's files; nothing if they are not there."""
    data_fault: str
    """Why they are not."""
    nearest: str
    """The directory, or what is there of the path to it; nothing for a store."""
    number: int
    """Of that directory, on its disk."""
    holds: str
    """Fingerprint of the names in it."""
    runs_fault: str
    """Why files cannot be written there, or a store cannot be read."""


def locations_of(sweep: Sweep) -> NodeLocations:
    """Return what a sweep's nodes must see."""
    return NodeLocations(sweep.data, UPath(sweep.storage.runs).absolute())


def node_view_of(places: NodeLocations) -> NodeView:
    """Look around on the machine that this runs on."""
    data, fault = "", ""
    try:
        data = listing_fingerprint(places.data)
    except (TrainerError, OSError, ImportError) as error:
        fault = str(error).splitlines()[0]
    local = places.runs.protocol in ("", "file", "local")
    runs = _directory(Path(places.runs.path)) if local else ("", 0, "", _store_fault(places.runs))
    return NodeView(data, fault, *runs)


def unseen(places: NodeLocations, here: NodeView, there: NodeView) -> Iterator[tuple[str, str]]:
    """Say what a node does not see as the driver's machine does: each thing with its fix.

    What the driver's machine lacks itself is not held against a node.
    """
    data = getattr(places.data, "root", None) or f"data set '{places.data.dataset}'"
    if here.data and there.data_fault:
        yield there.data_fault, "let it see the data set at the same place"
    elif here.data and there.data != here.data:
        found = f"{data} holds other files there than on the driver's machine"
        yield found, "let both see the same files"
    if there.runs_fault and not here.runs_fault:
        yield there.runs_fault, SHARE
    elif _is_another(here, there):
        yield f"{places.runs} is not there what the driver's machine sees", SHARE


def _is_another(here: NodeView, there: NodeView) -> bool:
    differ = here.number != there.number and here.holds != there.holds
    return here.nearest != there.nearest or differ


def _directory(runs: Path) -> tuple[str, int, str, str]:
    """Look at a directory that may not be there yet."""
    nearest = next(each for each in (runs, *runs.parents) if each.exists())
    try:
        names = "\n".join(sorted(os.listdir(nearest)))
    except OSError as error:  # no directory, or one that is closed to us
        return str(nearest), 0, "", f"{nearest} cannot be used ({error.strerror})"
    may = os.access(nearest, os.W_OK | os.X_OK)
    fault = "" if may else f"{nearest} cannot be written to"
    holds = hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()[:16]
    return str(nearest), nearest.stat().st_ino, holds, fault


def _store_fault(runs: UPath) -> str:
    """Ask a store for what it does not have: it answers so, or not at all."""
    try:
        read_file(runs / ".doctor")
    except FileNotFoundError:
        return ""
    except (OSError, ImportError) as error:  # ImportError: the package for s3:// is missing
        return f"{runs} cannot be read ({getattr(error, 'strerror', None) or error})"
    return ""
