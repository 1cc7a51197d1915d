"""Finds the weights that a script leaves."""

import os
from pathlib import Path

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.script.reports import Report


def kept_weights(out: Path, kept: Report) -> Path | None:
    """Return the file of the kept epoch's weights in `out`; None if the script leaves none.

    It is the file that the epoch's report names as `weights`; else the one file model.* in `out`.
    A file in a directory below is moved up: only what lies in `out` itself is kept.

    Raises:
        SettingsError: the named file is missing or elsewhere, or several are named model.*.
    """
    name = kept.file("weights")
    if name is None:
        found = sorted(path for path in out.glob("model.*") if path.is_file())
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise SettingsError(f"{out} holds {names}: name one as `weights` in the reports")
        return found[0] if found else None
    path = (out / name).resolve()
    if not path.is_relative_to(out.resolve()):
        raise SettingsError(f"the weights {name} are not in {out}: write them to `{{out}}`")
    if not path.is_file():
        what = "is a directory: pack it into one file" if path.is_dir() else "is missing"
        raise SettingsError(f"{path}, the weights of epoch {kept.epoch}, {what}")
    moved = out / path.name
    os.replace(path, moved)
    return moved
