"""Utilisation of the GPUs in a simulated sweep, rung by rung, compared with the ideal."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from .cluster import Capacity, SimulatedCluster, Stint


def accounts(cluster: SimulatedCluster) -> dict[str, Any]:
    """Return hours and idle shares of the whole ladder and of each rung.

    idle_share is a share of all present GPUs. waiting_share is a share of the GPUs that the rung
    can use, at most one for each trial. It is the cost of the barrier, since other GPUs can be
    released.
    """
    jobs = [stint for stint in cluster.stints if stint.job]
    rungs: defaultdict[int, list[Stint]] = defaultdict(list)
    for stint in jobs:
        rungs[stint.job.rung].append(stint)  # type: ignore[union-attr]
    rows, began = [], 0.0
    for number, stints in sorted(rungs.items()):
        ended = max(stint.ended for stint in stints)
        rows.append({"rung": number, **_rung(cluster, stints, began, ended)})
        began = ended
    ideal = _ideal_seconds(cluster.capacity, jobs)
    return {
        "virtual_hours": round(cluster.now / 3600, 2),
        "ideal_hours": round(ideal / 3600, 2),
        "ideal_to_virtual": round(ideal / cluster.now, 3),
        "idle_share": _share(_idle(cluster, jobs, 0.0, cluster.now, cluster.capacity.workers)),
        "waiting_share": _total_waiting(rows),
        "lost_share": _share((sum(s.ended - s.began - s.useful for s in jobs), _held(jobs))),
        "losses": dict(cluster.losses),
        "rungs": rows,
    }


def _rung(
    cluster: SimulatedCluster, stints: Sequence[Stint], began: float, ended: float
) -> dict[str, Any]:
    trials, capacity = len({stint.job for stint in stints}), cluster.capacity.workers
    waiting, usable = _idle(cluster, stints, began, ended, min(trials, capacity))
    return {
        "trials": trials,
        "hours": round((ended - began) / 3600, 3),
        "idle_share": _share(_idle(cluster, stints, began, ended, capacity)),
        "waiting_share": _share((waiting, usable)),
        "usable_gpu_hours": round(usable / 3600, 2),
    }


def _idle(
    cluster: SimulatedCluster, stints: Iterable[Stint], began: float, ended: float, gpus: int
) -> tuple[float, float]:
    """Return the GPU seconds without a job, and all present GPU seconds."""
    away = (s for s in cluster.stints if s.job is None)
    gone = sum(max(0.0, min(s.ended, ended) - max(s.began, began)) for s in away)
    there = (ended - began) * gpus - gone * gpus / cluster.capacity.workers
    return max(0.0, there - _held(stints)), there


def _held(stints: Iterable[Stint]) -> float:
    return sum(stint.ended - stint.began for stint in stints)


def _total_waiting(rows: Sequence[dict[str, Any]]) -> float:
    usable = sum(row["usable_gpu_hours"] for row in rows)
    return round(sum(row["waiting_share"] * row["usable_gpu_hours"] for row in rows) / usable, 3)


def _share(part_and_whole: tuple[float, float]) -> float:
    part, whole = part_and_whole
    return round(part / whole, 3) if whole else 0.0


def _ideal_seconds(capacity: Capacity, stints: Iterable[Stint]) -> float:
    """Return the shortest time for the same work, without barriers, faults and idle GPUs.

    It is at least the time of the longest trial on the fastest GPU, since a trial's rungs run one
    after another.
    """
    speeds = capacity.speeds()
    work: defaultdict[int, float] = defaultdict(float)
    for stint in stints:
        work[stint.job.trial] += stint.useful * speeds[stint.worker]  # type: ignore[union-attr]
    return max(sum(work.values()) / sum(speeds), max(work.values()) / max(speeds))
