"""Checks that the files and directories that `code:` names are there.

Not at a resume: that uses the stored copies of files that are gone.
"""

from pathlib import Path

from searchctl.orchestrator.config.parsing.problems import Problem, SweepError, locate
from searchctl.orchestrator.config.parsing.yaml_source import load_yaml
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.cluster_address import travelled_code


def check_code_paths(sweep: Sweep, file: Path) -> None:
    """Check the paths of `code:`, which are relative to the directory of the sweep file.

    Raises:
        SweepError: lists every path that is missing, with its line.
    """
    folder = file.absolute().parent
    places = [folder / Path(written).expanduser() for written in sweep.code]
    missing = [(index, place) for index, place in enumerate(places) if not place.exists()]
    if not missing or travelled_code():  # what travelled was collected before
        return
    lines = load_yaml(file).lines
    raise SweepError(
        Problem(
            path := ("code", index),
            f"there is no {place}: name files or directories beside the sweep file",
            str(file),
            locate(lines, path),
        )
        for index, place in missing
    )
