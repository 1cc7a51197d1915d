"""Measures what each library adds to a ladder of 36 trivial configurations, in turn.

    python benchmarks/orchestration [ROUNDS]

Each way runs in a process of its own, one after another, in interleaved rounds: a machine that is
slower for a while is so for all. Wall seconds are those of the whole process. CPU seconds are those
of it and all processes that it started, Ray's own too. scikit-learn is needed here only.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ways import SLOTS, TRIALS, WAYS

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import keep

MARK = "SEARCHCTL_BENCHMARK_RUN"
QUIET = {"RAY_AIR_NEW_OUTPUT": "0", "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1"}
REFERENCE = "Ray Tune ASHA"


def whole_process(way, number):
    """Run one way in its own process; return its wall and CPU seconds, and what it noted."""
    mark = f"{os.getpid()}-{number}-{way}"
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "out", "w+") as out:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("ways.py").absolute()), way],
            cwd=folder,
            env={**os.environ, **QUIET, MARK: mark, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        cpu = cpu_until_the_end(process, mark)
        seconds = time.perf_counter() - started
        out.seek(0)
        lines = out.read().splitlines()
    if process.returncode:
        sys.exit("\n".join(lines))
    total = {"wall_s": round(seconds, 2), "cpu_s": round(sum(cpu.values()), 2)}
    parts = {name: round(part, 2) for name, part in cpu.most_common()}
    return {**total, "cpu_s_of": parts, **json.loads(lines[-1])}


def cpu_until_the_end(process, mark):
    """Wait for a process; return the CPU seconds of processes with this mark by part (Linux)."""
    seconds, marked, parts = {}, {}, {process.pid: "driver"}
    while process.poll() is None:
        for each in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
            if each not in marked:
                marked[each] = has_mark(each, mark)
            if marked[each]:
                seconds[each] = used(each, seconds.get(each, 0.0))
                parts[each] = parts.get(each) or part_of(each)
        time.sleep(0.1)
    total = Counter()
    for each, part in seconds.items():
        total[parts[each] or "others"] += part
    return total


def part_of(pid):
    """Return whether a process is one of Ray's; None if it is not, or cannot be read."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None
    return "Ray and its workers" if b"ray" in command else None


def has_mark(pid, mark):
    """Is this process one of the run's?"""
    try:
        return f"{MARK}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def used(pid, before):
    """Return the CPU seconds of a process; those seen last if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return before
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def summary(rounds):
    """Return the medians of a way over all rounds, and its ratio to the reference in each."""
    ways = {}
    for way in WAYS:
        runs = [each[way] for each in rounds]
        ratios = [each[way]["wall_s"] / each[REFERENCE]["wall_s"] for each in rounds]
        ways[way] = {
            "jobs": runs[-1]["jobs"],
            "wall_s": statistics.median(run["wall_s"] for run in runs),
            "cpu_s": statistics.median(run["cpu_s"] for run in runs),
            "cpu_s_per_job": round(statistics.median(r["cpu_s"] / r["jobs"] for r in runs), 3),
            "cpu_s_of": runs[-1]["cpu_s_of"],
            "wall_to_asha": round(statistics.median(ratios), 2),
            "phases": runs[-1]["phases"],
        }
    return ways


def main():
    """Run all ways in turn, round by round, and store the medians and all rounds."""
    rounds = []
    for number in range(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        rounds.append({way: whole_process(way, number) for way in WAYS})
        shown = {way: (run["wall_s"], run["cpu_s"]) for way, run in rounds[-1].items()}
        print(f"round {number}: {shown}", file=sys.stderr)
    what = f"{TRIALS} configurations of trivial jobs on {SLOTS} slots; medians over the rounds"
    load = round(os.getloadavg()[0], 1)
    keep("orchestration", {"what": what, "load_at_the_end": load, **summary(rounds), "all": rounds})


if __name__ == "__main__":
    main()
