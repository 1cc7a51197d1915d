import pytest
from rich.text import Text

from orchestrator.trial_view import trial_tables

ATTEMPT = {
    "rung": 1,
    "number": 2,
    "worker": "node:7",
    "outcome": "stopped",
    "first_epoch": 3,
    "error": "stopped",
}


def said_of(**changes):
    """The lines of one attempt."""
    facts = {"sweep": "tiny", "trial": 0, "state": "RUNNING", "params": {}, "jobs": []}
    facts["initial_files"] = {}
    facts |= {"decisions": [], "class_scores": [], "epochs": [], "attempts": [ATTEMPT | changes]}
    *_, last = trial_tables(facts)
    assert isinstance(last, Text)
    return last.plain.splitlines()


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, ["rung 1, attempt 2 on node:7: stopped, from epoch 3 on"]),
        (
            {"outcome": None, "error": None, "first_epoch": None},
            ["rung 1, attempt 2 on node:7: running"],
        ),
        (
            {"outcome": "lost", "error": "OSError: no space\n\nTraceback:\n  in loop\n"},
            [
                "rung 1, attempt 2 on node:7: lost, from epoch 3 on",
                "  OSError: no space",
                "",
                "  Traceback:",
                "    in loop",
            ],
        ),
    ],
    ids=["stopped", "running", "lost"],
)
def test_an_attempt_is_said_once_with_its_error_below(changes, lines):
    assert said_of(**changes) == lines
