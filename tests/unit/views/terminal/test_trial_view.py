import pytest
from rich.text import Text

from searchctl.orchestrator.storage.rows import EpochRow
from searchctl.orchestrator.terminal.trials.trial import epoch_facts, epochs_table, trial_tables

ATTEMPT = {
    "rung": 1,
    "kind": "ladder",
    "repeat": 0,
    "number": 2,
    "worker": "node:7",
    "outcome": "stopped",
    "first_epoch": 3,
    "error": "stopped",
}

ONLY_COHORT = {"cohort": 0, "origin": "random", "cohorts": 1, "retries": None, "retried_as": None}
ONLY_COHORT |= {"limits": {}, "measured": {}}


def rendered(**changes):
    """The lines of one attempt."""
    facts = {"sweep": "tiny", "trial": 0, "state": "RUNNING", "params": {}, "jobs": [], "after": []}
    facts |= ONLY_COHORT
    facts["initial_files"] = {}
    facts |= {"decisions": [], "class_scores": [], "epochs": [], "attempts": [ATTEMPT | changes]}
    *_, last = trial_tables(facts)
    assert isinstance(last, Text)
    return last.plain.splitlines()


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, ["rung 1, attempt 2 on node:7: stopped, resumed at epoch 3"]),
        (
            {"kind": "repeat", "repeat": 2},
            ["repeat 2, attempt 2 on node:7: stopped, resumed at epoch 3"],
        ),
        (
            {"outcome": None, "error": None, "first_epoch": None},
            ["rung 1, attempt 2 on node:7: running"],
        ),
        (
            {"outcome": "lost", "error": "OSError: no space\n\nTraceback:\n  in loop\n"},
            [
                "rung 1, attempt 2 on node:7: lost, resumed at epoch 3",
                "  OSError: no space",
                "",
                "  Traceback:",
                "    in loop",
            ],
        ),
    ],
    ids=["stopped", "of a repeat", "running", "lost"],
)
def test_an_attempt_is_shown_once_with_its_error_below(changes, lines):
    assert rendered(**changes) == lines


def test_an_error_of_several_attempts_is_shown_in_full_once():
    failed = ATTEMPT | {"outcome": "lost", "error": "OSError: no space\n  in loop\n"}
    facts = {"sweep": "tiny", "trial": 0, "state": "RUNNING", "params": {}, "jobs": [], "after": []}
    facts |= {"initial_files": {}, "decisions": [], "class_scores": [], "epochs": []} | ONLY_COHORT
    *_, first, second = trial_tables(facts | {"attempts": [failed, failed | {"number": 3}]})
    assert "in loop" in first.plain
    assert second.plain.splitlines()[1:] == ["  the error of rung 1, attempt 2"]


def test_a_trial_shows_its_parameters_memory_latency_and_hardware():
    job = {"rung": 0, "images": 4, "score": 0.5, "kept_epoch": 1, "seconds": 1.0, "device": "cpu"}
    job |= {"trainable_parameters": 28490, "peak_memory_bytes": 7e8, "evaluations": {}}
    job |= {"hardware": "a CPU, AVX512"}
    job |= {"latency_ms": 3.14159, "reused_from": None, "kind": "ladder", "repeat": 0}
    facts = {"sweep": "tiny", "trial": 0, "state": "RUNNING", "params": {}, "jobs": [job]}
    facts |= ONLY_COHORT
    facts |= {"after": [], "decisions": [], "class_scores": [], "epochs": [], "attempts": []}
    job |= {"initial_weights": "scratch", "state": "COMPLETE", "features": None}
    lines = [part for part in trial_tables(facts | {"initial_files": {}}) if isinstance(part, str)]
    assert "  trains 28,490 parameters, peak memory 700 MB on cpu, 3.14 ms per image" in lines
    assert "  ran on a CPU, AVX512" in lines


@pytest.mark.parametrize(
    ("training", "lr", "shown"),
    [({"command": "python a.py"}, 0.0, "-"), ({"command": "a"}, 0.1, "0.1"), ({}, 0.0, "0")],
    ids=["of a script", "reported by a script", "of a schedule that ends at 0"],
)
def test_a_learning_rate_that_a_script_does_not_report_is_no_number(training, lr, shown):
    place = {"rung": 0, "kind": "ladder", "repeat": 0}
    row = EpochRow(epoch=1, train_loss=None, lr=lr, images=4, seconds=1.0, **place)
    epoch = epoch_facts(row, {"training": training})
    facts = {"epochs": [epoch], "shown_score": "score", "score": "score", "recorded": ()}
    (column,) = (each for each in epochs_table(facts).columns if each.header == "lr")
    assert [*column.cells] == [shown]
