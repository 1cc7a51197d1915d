"""Formats the stored results of the simulations as the tables of docs/scale.md."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

_DRIVER = {
    "trials": lambda each: each["driver"]["rows"]["trials"],
    "jobs": lambda each: each["driver"]["rows"]["jobs"],
    "rows": lambda each: sum(each["driver"]["rows"].values()),
    "driver's CPU s": lambda each: each["driver"]["cpu_seconds"],
    "decisions/s": lambda each: each["driver"]["decisions_per_second"],
    "rows/s": lambda each: each["driver"]["rows_per_second"],
    "CPU ms a job": lambda each: each["driver"]["cpu_milliseconds_per_job"],
    "longest pause, CPU s": lambda each: each["driver"]["longest_pause_cpu_seconds"],
    "peak MiB": lambda each: each["driver"]["peak_mib"],
    "cluster's hours": lambda each: each["cluster"]["virtual_hours"],
    "busy": lambda each: percent(each["driver"]["busy_share_of_virtual_time"]),
}
_CLUSTER = {
    "hours": lambda each: each["virtual_hours"],
    "ideal": lambda each: each["ideal_hours"],
    "ideal/hours": lambda each: percent(each["ideal_to_virtual"]),
    "idle of all": lambda each: percent(each["idle_share"]),
    "waiting": lambda each: percent(each["waiting_share"]),
    "lost": lambda each: percent(each["lost_share"]),
}


def tables(kept: dict[str, Any]) -> str:
    """Return all tables, as Markdown."""
    of_parts = (kept[part].items() for part in ("before", "driver", "large", "counts"))
    measured = list(chain.from_iterable(of_parts))
    parts = [
        _table(["sweep", *_DRIVER], ([name, *_cells(_DRIVER, each)] for name, each in measured)),
        _table(["sweep", *_CLUSTER], ([n, *_cells(_CLUSTER, e["cluster"])] for n, e in measured)),
        *(_rungs(name, each["cluster"]["rungs"]) for name, each in kept["large"].items()),
        *(_idle(what, kept["idle"][what]) for what in ("workers", "spread", "speeds", "eta")),
        _idle("spot_hours", kept["idle"]["spot"]),
        _orders(kept["orders"]["rows"]),
    ]
    return "\n\n".join(parts)


def percent(share: float) -> str:
    """Return a share as a percentage."""
    return f"{100 * share:.3g} %"


def _cells(columns: dict[str, Any], each: dict[str, Any]) -> list[Any]:
    return [cell(each) for cell in columns.values()]


def _rungs(name: str, rungs: Iterable[dict[str, Any]]) -> str:
    plain, shares = ("rung", "trials", "hours"), ("idle_share", "waiting_share")
    rows = ([*(r[c] for c in plain), *(percent(r[c]) for c in shares)] for r in rungs)
    return f"{name}:\n\n" + _table([*plain, *shares], rows)


def _idle(what: str, found: Iterable[dict[str, Any]]) -> str:
    rows = (
        [
            each[what],
            each["virtual_hours"],
            *(percent(each[n]) for n in ("ideal_to_virtual", "idle_share", "waiting_share")),
            ", ".join(percent(share) for share in each["waiting_share_by_rung"]),
        ]
        for each in found
    )
    return _table([what, "hours", "ideal/hours", "idle of all", "waiting", "by rung"], rows)


def _orders(found: Sequence[dict[str, Any]]) -> str:
    settings = ("workers", "trials", "costs")
    names = [name for name, each in found[0].items() if isinstance(each, dict)]
    rows = (
        [
            *(each[setting] for setting in settings),
            *(f"{each[name]['wall']:.3g}, {percent(each[name]['idle'])}" for name in names),
            f"{each['early_to_lag_2']} +- {each['standard_error']}",
        ]
        for each in found
    )
    return _table([*settings, *names, "early / lag 2"], rows)


def _table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
