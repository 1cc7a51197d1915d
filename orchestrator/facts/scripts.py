"""What a sweep's views say where a script of the user's trained."""

from collections.abc import Mapping
from typing import Any

NOT_VOUCHED = (
    "A script of your own trained and scored: searchctl cannot vouch that its trials share their "
    "random numbers, nor that all scores have one definition."
)
"""What holds for our own training alone."""
NO_COUNTS = "the script wrote no counts of the validation samples (docs/own-script.md)"


def is_by_script(spec: Mapping[str, Any]) -> bool:
    """Return whether a script of the user's trains the trials of a stored sweep.

    >>> is_by_script({"training": {"command": "python train.py {lr}", "function": None}})
    True
    >>> is_by_script({"training": {"lr": 0.1}})
    False
    """
    training = spec["training"]
    return bool(training.get("command") or training.get("function"))
