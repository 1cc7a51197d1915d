import io

import pytest
from rich.console import Console

from searchctl.orchestrator.halving.cut import cut
from searchctl.orchestrator.halving.rule import Outcome
from searchctl.orchestrator.terminal.live import PlainDisplay

LADDER = [{"rung": 1, "trials": 4, "fraction": "1", "images": 8}]


def rendered(*scores):
    """What is written when a rung with these scores, by trial, is closed with two survivors."""
    written = io.StringIO()
    display = PlainDisplay(Console(file=written), LADDER, "maximize", 1, {})
    outcomes = [Outcome(trial, 1, score) for trial, score in enumerate(scores)]
    display.rung_closed(cut(outcomes, 2, "maximize"))
    return written.getvalue()


@pytest.mark.parametrize(
    ("scores", "line"),
    [
        ((0.5, 0.75, None, 0.25), "rung 1 closed: best 0.7500 (trial 1), 2 of 4 kept: 1, 0\n"),
        ((None, None, None, None), "rung 1 closed: none of 4 has a score\n"),
    ],
)
def test_the_end_of_a_rung_is_one_line(scores, line):
    assert rendered(*scores) == line
