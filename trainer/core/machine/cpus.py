"""How many of this machine's CPUs are this process's: of its container, allocation or `taskset`."""

import os
from collections.abc import Iterator
from pathlib import Path

_SLURM = ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE")


def own_cpus(root: Path = Path("/")) -> int:
    """Return the number of CPUs that this process may use, at least 1.

    It is the smallest of: the CPUs of its affinity (`taskset`, a cpuset), the CPU time that its
    control groups allow (containers), and the CPUs of its Slurm task, which Slurm does not always
    enforce.

    Args:
        root: root of the file system, whose control groups are read.
    """
    limits = [_affinity(), *_slurm(), *(int(quota) for quota in _quotas(root))]
    return max(1, min(limits))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _slurm() -> list[int]:
    """Return the CPUs of a Slurm task; those of its job on this node if tasks have no number."""
    found = [value for name in _SLURM if (value := os.environ.get(name, "")).isdecimal()]
    return [int(value) for value in found[:1]]


def _quotas(root: Path) -> Iterator[float]:
    """Yield the CPUs that each control group of this process allows."""
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # not Linux
        return
    for group in groups:
        _, controllers, path = group.split(":", 2)
        if not controllers:
            yield from _limits(root / "sys/fs/cgroup", path, ("cpu.max",))
        elif "cpu" in controllers.split(","):
            files = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            yield from _limits(root / "sys/fs/cgroup/cpu", path, files)


def _limits(mount: Path, path: str, files: tuple[str, ...]) -> Iterator[float]:
    """Yield the limits of a group and of all groups above it; each allows at most its own.

    In a container, the mount may hold the process's own group, whose path is unknown there.
    """
    group = mount / path.lstrip("/")
    for place in (group, *group.parents):
        try:
            written = " ".join((place / name).read_text() for name in files)
        except OSError:
            written = ""
        match written.split():
            case [quota, period] if quota not in ("max", "-1"):
                yield int(quota) / int(period)
        if place == mount:
            return
