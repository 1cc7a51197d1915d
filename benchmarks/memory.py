"""Peak memory of the driver and of one worker while a real sweep runs.

    python benchmarks/memory.py

Launches the quickstart sweep and reads the peak resident memory of each of its processes ten times
a second (VmHWM, Linux only).
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import keep

SWEEP = Path(__file__).parents[1] / "examples" / "quickstart.yaml"


def main():
    """Run the sweep and store the peaks."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "searchctl"), "launch", str(SWEEP)],
            cwd=folder,
            env={**os.environ, "SEARCHCTL_DB_URL": "sqlite:///memory.db"},
            stdout=subprocess.DEVNULL,
        )
        peaks = watch(process)
    if process.returncode:
        sys.exit(f"the sweep ended with {process.returncode}")
    keep("memory", {"what": f"peak resident MiB during {SWEEP.name}", **peaks})


def watch(process):
    """Return the peaks of the driver, of the largest worker, and of Ray's own processes."""
    driver, workers, own = 0, {}, {}
    while process.poll() is None:
        driver = max(driver, peak_mib(process.pid))
        for pid, name in descendants(process.pid):
            found = workers if name.startswith("ray::ImplicitFunc") else own
            found[pid] = max(found.get(pid, 0), peak_mib(pid))
        time.sleep(0.1)
    for pid in workers:
        own.pop(pid, None)  # a worker has another name until it gets its first job
    return {
        "driver": driver,
        "largest_worker": max(workers.values()),
        "workers_seen": len(workers),
        "largest_other_process_of_ray": max(own.values()),
    }


def descendants(pid):
    """Yield (pid, command line) of every process below one."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
                line = (entry / "cmdline").read_text().replace("\0", " ").strip()
            except OSError:
                continue
            parents[int(entry.name)] = (int(stat.rpartition(")")[2].split()[1]), line)
    below = {pid}
    for _ in range(5):
        below |= {child for child, (parent, _) in parents.items() if parent in below}
    return [(child, parents[child][1]) for child in below - {pid}]


def peak_mib(pid):
    """Return the peak resident memory of a process so far, in MiB; 0 once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(lines[0].split()[1]) // 1024 if lines else 0


if __name__ == "__main__":
    main()
