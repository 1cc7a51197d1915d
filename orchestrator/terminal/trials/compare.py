"""Several trials side by side, for `searchctl compare`: as plain values and as tables."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from sqlalchemy import Engine

from searchctl.orchestrator.facts.sweeps import duration, number, value
from searchctl.orchestrator.storage.reads import queries, snapshot
from searchctl.orchestrator.storage.reads.snapshot import ComparedJob
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.scores import ranked_by
from searchctl.orchestrator.terminal.display import plain_table
from searchctl.orchestrator.terminal.trials.trial import known_trials

SUMS = ("seconds", "gpu_seconds", "images_seen")
MOST = ("peak_memory_bytes", "trainable_parameters")


def comparison(engine: Engine, sweep: SweepRow, numbers: Collection[int]) -> dict[str, Any]:
    """Return how trials differ, in the order of `numbers`; three queries for any number of trials.

    Raises:
        SweepNotFound: the sweep has no trial of one of these numbers.
    """
    rows = known_trials(engine, sweep, numbers)
    jobs = snapshot.compared_jobs(engine, sweep, numbers)
    common = _highest_common(jobs, numbers)
    ious = [] if common is None else queries.class_scores(engine, sweep, numbers, images=common)
    found = {(row.class_id, row.trial): row.iou for row in ious if row.split == "val"}
    return {
        "sweep": sweep.name,
        "trials": list(numbers),
        "states": [row.state for row in rows],
        "params": _by_name(row.params for row in rows),
        "score": ranked_by(sweep.spec),
        "rungs": list(_rungs(jobs, numbers)),
        "class_iou": {
            "rung": next((job.rung for job in jobs if job.images == common), None),
            "classes": {
                name: [found.get((class_id, trial)) for trial in numbers]
                for class_id, name in enumerate(sweep.classes)
            },
        },
        "cost": _cost(jobs, numbers),
        "copied": [sum(j.trial == t and bool(j.reused_from) for j in jobs) for t in numbers],
        "violations": [_violation(jobs, trial) for trial in numbers],
    }


def _violation(jobs: Iterable[ComparedJob], trial: int) -> str:
    """Return which limits a trial exceeds by its highest decision, in words; empty if none."""
    found = [job.violation for job in jobs if job.trial == trial and job.violation is not None]
    return found[-1] if found else ""


def _by_name(params: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the values of each param, one for each trial; None if a trial has no such param."""
    rows = list(params)
    return {name: [row.get(name) for row in rows] for row in rows for name in row}


def _highest_common(jobs: Iterable[ComparedJob], numbers: Collection[int]) -> int | None:
    """Return the most images on which all of the trials have a score, to compare classes there."""
    scored: dict[int, set[int]] = {}
    for job in jobs:
        if job.score is not None:
            scored.setdefault(job.images, set()).add(job.trial)
    return max((n for n, trials in scored.items() if trials >= set(numbers)), default=None)


def _rungs(jobs: Iterable[ComparedJob], numbers: Collection[int]) -> Iterator[dict[str, Any]]:
    by_images: dict[int, dict[int, ComparedJob]] = {}  # a rung's number is one of its cohort
    for job in sorted(jobs, key=lambda job: job.images):
        by_images.setdefault(job.images, {})[job.trial] = job
    names = ("state", "score", "rank", "cohort", "verdict")
    for here in by_images.values():
        any_job = next(iter(here.values()))
        yield {
            "rung": any_job.rung,
            "fraction": any_job.fraction,
            "images": any_job.images,
            "jobs": [_some(here.get(trial), names) for trial in numbers],
        }


def _some(job: ComparedJob | None, names: Iterable[str]) -> dict[str, Any] | None:
    return None if job is None else {name: getattr(job, name) for name in names}


def _cost(jobs: Iterable[ComparedJob], numbers: Collection[int]) -> dict[str, list[Any]]:
    """Return each trial's cost over all of its ended jobs; None if none has ended."""
    of_trial: dict[int, list[ComparedJob]] = {trial: [] for trial in numbers}
    for job in jobs:
        of_trial[job.trial].append(job)
    summed = {name: [_sum(of_trial[t], name) for t in numbers] for name in SUMS}
    return summed | {name: [_over(of_trial[t], name, max) for t in numbers] for name in MOST}


def _sum(jobs: Iterable[ComparedJob], name: str) -> Any:
    """Return a sum; None where a copy of an older version does not know its part."""
    ended = list(jobs)
    unknown = any(job.reused_from and getattr(job, name) is None for job in ended)
    return None if unknown else _over(ended, name, sum)


def _over(jobs: Iterable[ComparedJob], name: str, combine: Any) -> Any:
    known = [getattr(job, name) for job in jobs if getattr(job, name) is not None]
    return combine(known) if known else None


def comparison_tables(facts: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield tables of the params that differ, the scores, the classes and the cost."""
    columns = [f"trial {trial}" for trial in facts["trials"]]
    differing = {name: row for name, row in facts["params"].items() if _differ(row)}
    rows = {name: map(value, row) for name, row in differing.items()}
    state = {"state": facts["states"]}
    if any(facts["violations"]):
        state["exceeds"] = [violation or "-" for violation in facts["violations"]]
    yield _side_by_side("params that differ", columns, {**state, **rows})
    if same := [f"{n}={value(row[0])}" for n, row in facts["params"].items() if n not in differing]:
        yield f"the same: {' '.join(same)}"
    if facts["rungs"]:
        yield f"\n{facts['score']}"
        yield _scores(facts, columns)
    if facts["class_iou"]["rung"] is not None:
        yield ""
        yield _classes(facts["class_iou"], columns)
    yield ""
    yield _side_by_side("cost of all its jobs", columns, dict(_cost_rows(facts)))
    if any(facts["copied"]):
        yield "Copied jobs count with what they took in the sweep that trained them."


def _differ(row: list[Any]) -> bool:
    return any(each != row[0] for each in row)


def _scores(facts: Mapping[str, Any], columns: list[str]) -> Table:
    """Show each score with its rank in the rung; without a decision beside it, it was promoted."""
    table = plain_table("rung", "images", "trials", *(f"{name}, rank" for name in columns))
    for rung in facts["rungs"]:
        cohort = next((str(job["cohort"]) for job in rung["jobs"] if job and job["cohort"]), "-")
        cells = (str(rung["rung"]), str(rung["images"]), cohort)
        table.add_row(*cells, *map(_job, rung["jobs"]))
    return table


def _job(job: Mapping[str, Any] | None) -> str:
    if job is None:
        return "-"
    if job["rank"] is None:
        return str(job["verdict"] or (number(job["score"]) if job["score"] else job["state"]))
    ended = "" if job["verdict"] in ("promoted", "complete") else f" {job['verdict']}"
    return f"{number(job['score'])} #{job['rank']}{ended}"


def _classes(facts: Mapping[str, Any], columns: list[str]) -> Table:
    """Show the IoU of each class; for two trials also the difference."""
    two = len(columns) == 2
    title = f"IoU at rung {facts['rung']}"
    rows = {
        name: [*map(number, row), *([_difference(*row)] if two else [])]
        for name, row in facts["classes"].items()
    }
    return _side_by_side(title, [*columns, *(["difference"] if two else [])], rows)


def _difference(first: float | None, second: float | None) -> str:
    return "-" if first is None or second is None else f"{second - first:+.4f}"


def _cost_rows(facts: Mapping[str, Any]) -> Iterator[tuple[str, Iterable[str]]]:
    cost = facts["cost"]
    yield "time", map(duration, cost["seconds"])
    yield "GPU time", map(duration, cost["gpu_seconds"])
    yield "images trained", map(_count, cost["images_seen"])
    yield "parameters trained", map(_count, cost["trainable_parameters"])
    memory = (None if size is None else size / 1e6 for size in cost["peak_memory_bytes"])
    yield "memory, MB", ("-" if size is None else f"{size:,.0f}" for size in memory)
    if any(facts["copied"]):
        yield "jobs that were copied", map(str, facts["copied"])


def _count(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def _side_by_side(title: str, columns: list[str], rows: Mapping[str, Iterable[str]]) -> Table:
    table = plain_table(title, *columns, left=[title])
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table
