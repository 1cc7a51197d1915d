"""Measures the commands that show a sweep of 10,000 trials on SQLite, and their queries.

    python benchmarks/views.py

The sweep is finished, with 20,000 jobs, 100,000 epochs and 160,000 class scores. Each command runs
in its own process, several times, and the fastest run counts; most of its time is imports. Its
CPU seconds depend less on what else the machine does than its wall seconds. The queries
alone are timed in this process. For comparison: when Python counted and ranked all rows, list took
1.0 s, status 2.7 s and show 2.0 s on the machine that the result names.
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from large_sweep import store_large_sweep
from machine import keep
from sqlalchemy import event

from searchctl.orchestrator.storage.database import open_database

TRIALS = 10_000
RUNS = 5
COMMANDS = {
    "help": ("--help",),
    "list": ("list",),
    "status": ("status", "large"),
    "show": ("show", "large", "6240"),
    "compare": ("compare", "large", "3120", "6240", "9360"),
    "logs of one trial": ("logs", "large", "--trial", "6240"),
    "watch": ("watch", "large"),
    "explain": ("explain", "large"),
    "report": ("report", "large", "--format", "html", "-o", "/dev/null"),
    "explain of one trial": ("explain", "large", "6240"),
    "pareto": ("pareto", "large"),
    "plan --against": ("plan", "--against", "large"),
}


def main():
    """Measure every view and store the result."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/large.db"
        engine = open_database(url, create=True)
        began = time.perf_counter()
        store_large_sweep(engine, TRIALS)
        stored = time.perf_counter() - began
        engine.dispose()
        size = Path(folder, "large.db").stat().st_size
        views = {name: measure(arguments, url) for name, arguments in COMMANDS.items()}
    what = f"a sweep of {TRIALS} trials on SQLite; the quickest of {RUNS} runs"
    keep(
        "views",
        {
            "what": what,
            "database_mb": round(size / 1e6),
            "seconds_to_store": round(stored, 1),
            "views": views,
        },
    )


def measure(arguments, url):
    """Return the seconds of a command, and those and the number of its SQL statements."""
    database = () if arguments == ("--help",) else ("--db", url)
    runs = [seconds([*arguments, *database]) for _ in range(RUNS)]
    names = ("wall_seconds", "cpu_seconds")
    found = dict(zip(names, map(min, zip(*runs, strict=True)), strict=True))
    return found | (statements([*arguments, *database]) if database else {})


def seconds(arguments):
    """Return the wall and the CPU seconds of a command, as a shell sees them."""
    command = [str(Path(sys.executable).parent / "searchctl"), *arguments]
    began, cpu = time.perf_counter(), children_cpu()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return round(time.perf_counter() - began, 2), round(children_cpu() - cpu, 2)


def children_cpu():
    """Return the CPU seconds of all child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def statements(arguments):
    """Return the number of statements of a command, and how long they and their rows took."""
    from click.testing import CliRunner

    from searchctl.orchestrator.cli.main import cli

    CliRunner().invoke(cli, arguments)  # the first call imports, and must not be timed
    with counted() as found:
        began = time.perf_counter()
        CliRunner().invoke(cli, arguments)
        took = time.perf_counter() - began
    return {"seconds_without_imports": round(took, 3), "statements": len(found)}


@contextmanager
def counted():
    """Collect the statements that any engine of this process runs."""
    from sqlalchemy import Engine

    found = []

    def take_note(_connection, _cursor, statement, *_):
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", take_note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", take_note)


if __name__ == "__main__":
    main()
