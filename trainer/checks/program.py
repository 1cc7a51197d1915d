"""The program that checks parts, in a process of its own: user's code may hang, print or crash.

It reads a request (JSON) from standard input, and writes each finding (JSON, a line) to the file
descriptor that its argument names.
"""

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from searchctl.trainer.checks.base import CheckFailed, Finding
from searchctl.trainer.checks.parts import Images, check_part, kind_of
from searchctl.trainer.core.errors import TrainerError
from searchctl.trainer.settings.source.own import args_setting
from searchctl.trainer.settings.training import TrainSettings


def main() -> None:
    """Check the parts of a request."""
    request = json.load(sys.stdin)
    images = Images(**{**request["images"], "size": tuple(request["images"]["size"])})
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8") as report:
        for part in request["parts"]:
            for finding in _findings(part, images, only_quick=request["only_quick"]):
                report.write(json.dumps(asdict(finding)) + "\n")
                report.flush()


def _findings(part: dict[str, Any], images: Images, *, only_quick: bool) -> Iterable[Finding]:
    name = part["name"]
    try:
        kind = part["kind"] or kind_of(name)
    except (CheckFailed, TrainerError) as error:
        return [Finding(name, "it can be imported", str(error))]
    settings = TrainSettings.model_validate({**part["settings"], kind: name})
    args = getattr(settings, args_setting(kind))
    shown = f"{name} {json.dumps(args)}" if args else name
    found = check_part(kind, settings, images, only_quick=only_quick)
    return (replace(each, part=shown) for each in found)


if __name__ == "__main__":
    main()
