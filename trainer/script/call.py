"""Calls a user's function in a process of its own: python -m searchctl.trainer.script.call.

Arguments: MODULE:FUNCTION, and a JSON file with the values of its parameters.
"""

import json
import sys
from importlib import import_module
from pathlib import Path


def main(function: str, arguments: Path) -> None:
    """Import the function and call it by the names of its parameters."""
    module, _, name = function.partition(":")
    sys.path.insert(0, "")  # the working directory, as for a script that lies there
    getattr(import_module(module), name)(**json.loads(arguments.read_text()))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
