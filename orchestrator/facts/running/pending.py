"""Why a sweep does not run more jobs: they wait for resources, or for a rung to close."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, pairwise

from searchctl.orchestrator.core.pending import Waiting
from searchctl.orchestrator.facts.sweeps import RungView

_KINDS = "accelerator_type:"
_ENOUGH = 1e-6
"""Differences below this are rounding."""


def room_line(waiting: Waiting, users: Mapping[str, int]) -> str:
    """Return a line on the resources that jobs wait for in the cluster.

    Args:
        waiting: the jobs, and the free resources.
        users: number of running jobs of each sweep of the database.

    >>> one_gpu = {"CPU": 1, "GPU": 1}
    >>> full = Waiting(2, one_gpu, {"CPU": 5, "GPU": 0}, {"CPU": 16, "GPU": 4}, nodes=2)
    >>> room_line(full, {"a": 3, "b": 1})
    '2 jobs wait for 1 CPU and 1 GPU each: 4 of 4 GPUs are in use, by a (3 jobs) and b (1 job)'
    >>> room_line(Waiting(1, {"GPU": 4}, {"GPU": 4}, {"GPU": 4}, nodes=0), {})
    '1 job waits for 4 GPUs: no node has that'
    """
    some = waiting.jobs > 1
    wait = f"{_count(waiting.jobs, 'job')} wait{'' if some else 's'} for"
    return f"{wait} {_amounts(waiting.asked)}{' each' if some else ''}: {_reason(waiting, users)}"


def barrier_line(rungs: Sequence[RungView]) -> str | None:
    """Return which rung has to close before more jobs can start; None if jobs can start.

    >>> from fractions import Fraction
    >>> half, all_ = (0, Fraction(1, 2), 8), (1, Fraction(1), 16)
    >>> barrier_line([RungView(*half, 4, 1, 3, 0, 0.1), RungView(*all_, 2, 0, 0, 0, None)])
    'waits for rung 0 to close: 3 jobs run'
    """
    lines = []
    for _, ladder in groupby(rungs, lambda view: view.cohort):
        views = list(ladder)
        if any(view.done or view.running for view in views):  # its cohort has started
            line = _barrier(views)
            if line is None and any(view.left for view in views):
                return None
            lines.append(line)
    return next(filter(None, lines), None)


def _barrier(ladder: Sequence[RungView]) -> str | None:
    for below, above in pairwise(ladder):
        if below.running and not below.left and above.trials:
            run = f"{_count(below.running, 'job')} run{'' if below.running > 1 else 's'}"
            return f"waits for {below.name} to close: {run}"
    return None


def _reason(waiting: Waiting, users: Mapping[str, int]) -> str:
    if not waiting.nodes:
        return "no node has that"
    short = [name for name, amount in waiting.asked.items() if _free(waiting, name) < amount]
    if not short:
        return "enough is free, but not on one node"
    by = _and(f"{name} ({_count(jobs, 'job')})" for name, jobs in users.items()) if users else ""
    return _and(_in_use(waiting, name) for name in short) + f", by {by}" * bool(users)


def _free(waiting: Waiting, name: str) -> float:
    return waiting.free.get(name, 0) + _ENOUGH


def _in_use(waiting: Waiting, name: str) -> str:
    there = waiting.there.get(name, 0)
    used = there - waiting.free.get(name, 0)
    return f"{used:.4g} of {_count(there, name)} {'are' if there > 1 else 'is'} in use"


def _amounts(asked: Mapping[str, float]) -> str:
    kinds = [name.removeprefix(_KINDS) for name in asked if name.startswith(_KINDS)]
    amounts = [_count(n, name) for name, n in asked.items() if not name.startswith(_KINDS)]
    return _and(amounts) + "".join(f" on a node with {kind}" for kind in kinds)


def _count(amount: float, what: str) -> str:
    return f"{amount:.4g} {what}{'' if amount <= 1 else 's'}"


def _and(parts: Iterable[str]) -> str:
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last
