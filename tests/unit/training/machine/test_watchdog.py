"""A process whose job makes no progress is ended, even if C code holds Python's lock."""

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, time
from searchctl.trainer.run.watchdog import watch_for_stall

holding_the_lock = ctypes.PyDLL(None).sleep
with watch_for_stall({patience}, lambda: False) as stop:
    for _ in range(30):
        time.sleep(0.05)
        assert not stop()
    {then}
print("finished")
"""


def ended(patience, then):
    """Run a process whose job does that after a second and a half of work."""
    program = PROGRAM.format(patience=patience, then=then)
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)


@pytest.mark.parametrize(
    "then", [pytest.param("time.sleep(60)", marks=pytest.mark.exhaustive), "holding_the_lock(60)"]
)
def test_a_hanging_process_is_ended_with_its_stack_trace(then):
    done = ended(1, then)
    assert (done.returncode, done.stdout) == (1, "")
    assert 'File "<string>", line 10' in done.stderr


@pytest.mark.parametrize(
    ("patience", "then"),
    [(1, ""), pytest.param(None, "time.sleep(1)", marks=pytest.mark.exhaustive)],
)
def test_a_process_that_works_or_has_no_limit_finishes(patience, then):
    done = ended(patience, then)
    assert (done.returncode, done.stdout) == (0, "finished\n"), done.stderr
