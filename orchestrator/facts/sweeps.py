"""Facts of a sweep for its views, computed from plain rows: no printing, no database."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Any

from searchctl.orchestrator.facts.cohorts import rung_name
from searchctl.orchestrator.halving.follow_up import FollowUpSettings
from searchctl.orchestrator.halving.job_key import Kind
from searchctl.orchestrator.halving.rule import Decision, Direction

KIND_NAMES: dict[Kind, str] = {"repeat": "repeats", "audit": "audit"}
"""Name of each kind of follow-up job."""

SHOWN = 20
"""Most trials that a line names as survivors of a rung."""


@dataclass(frozen=True)
class RungView:
    """One line of the live table."""

    rung: int
    fraction: Fraction
    images: int
    trials: int
    done: int
    running: int
    failed: int
    best: float | None
    cohort: int | None = None
    """Number of its cohort; None if the sweep has only one."""

    @property
    def name(self) -> str:
        """Its name within the sweep: `rung 0`, or `cohort 1 rung 0`."""
        return rung_name(self.rung, self.cohort)

    @property
    def left(self) -> int:
        """Pending jobs: those that have not started."""
        return max(0, self.trials - self.done - self.running)


@dataclass(frozen=True)
class JobState:
    """The facts of a job, or of several jobs in one state, that a rung's line needs."""

    rung: int
    state: str
    score: float | None
    """The best score of these jobs."""
    jobs: int = 1
    kind: Kind = "ladder"
    cohort: int = 0


@dataclass(frozen=True)
class AfterView:
    """Progress of the follow-up jobs of one kind."""

    kind: Kind
    jobs: int
    """Number of planned jobs."""
    done: int
    running: int
    failed: int


def rung_views(
    ladder: Iterable[Mapping[str, Any]], jobs: Iterable[JobState], direction: Direction
) -> list[RungView]:
    """Count the ladders' jobs by rung; `ladder` holds the rows of one ladder, or of `all_rungs`."""
    of_rung: dict[tuple[int, int], list[JobState]] = {}
    for job in (job for job in jobs if job.kind == "ladder"):
        of_rung.setdefault((job.cohort, job.rung), []).append(job)
    views: list[RungView] = []
    for row in ladder:
        below = views[-1:] if row["rung"] else []
        trials = min([row["trials"], *map(_survivors, below)])
        here = of_rung.get((row.get("cohort", 0), row["rung"]), [])
        views.append(_view(row, trials, here, direction))
    return views


def after_views(
    rungs: Sequence[RungView], asked: FollowUpSettings, jobs: Iterable[JobState]
) -> list[AfterView]:
    """Count the follow-up jobs by kind; kinds without planned jobs are left out.

    Args:
        rungs: the current state of the ladders.
        asked: the follow-up settings; there may be too few trials for all requested jobs.
        jobs: jobs of any kind.
    """
    ladders = [list(views) for _, views in groupby(rungs, lambda view: view.cohort)]
    finalists = [_survivors(views[-1]) for views in ladders]
    best = min(sum(finalists), max(views[-1].trials for views in ladders))
    states: Counter[tuple[Kind, str]] = Counter()
    for job in jobs:
        states[job.kind, job.state] += job.jobs
    repeated = sum(count for (kind, _), count in states.items() if kind == "repeat")
    planned: dict[Kind, int] = {
        # an extension may have other trials repeated than the cohorts before it
        "repeat": max((asked.repeats - 1) * best, repeated),
        "audit": _audits(asked, map(_pruned, ladders)) if best else 0,
    }
    return [_after_view(kind, count, states) for kind, count in planned.items() if count]


def _audits(asked: FollowUpSettings, pruned: Iterable[int]) -> int:
    audited = sum(min(asked.audit, each) for each in pruned)
    return audited + (asked.new_seed if audited else 0)  # the winner is trained again, too


def _pruned(ladder: Sequence[RungView]) -> int:
    """Return how many trials the cuts of a ladder prune."""
    return sum(_survivors(below) - above.trials for below, above in pairwise(ladder))


def _after_view(kind: Kind, planned: int, states: Counter[tuple[Kind, str]]) -> AfterView:
    failed = states[kind, "DIVERGED"] + states[kind, "FAIL"]
    done = states[kind, "COMPLETE"] + failed
    return AfterView(kind, planned, done, states[kind, "RUNNING"], failed)


def after_line(views: Iterable[AfterView]) -> str:
    """Return a line on the progress of the follow-up jobs.

    >>> after_line([AfterView("repeat", 4, 1, 1, 0), AfterView("audit", 3, 0, 0, 0)])
    'repeats 1/4, audit 0/3'
    """
    return ", ".join(f"{KIND_NAMES[view.kind]} {view.done}/{view.jobs}" for view in views)


def rung_line(decisions: Sequence[Decision], cohort: int | None = None) -> str:
    """Return a line on how a rung ended, from its decisions, the best first.

    `cohort` is None if the sweep has only one.
    """
    best = decisions[0]
    name = rung_name(best.rung, cohort)
    if best.score is None:
        return f"{name} closed: none of {best.cohort} has a score"
    stay = [d for d in decisions if d.verdict in ("promoted", "complete")]
    kept = [str(d.trial) for d in stay if not d.spared]
    spared = ", ".join(str(d.trial) for d in stay if d.spared)
    more = f" and {len(kept) - SHOWN} more" if len(kept) > SHOWN else ""
    return (
        f"{name} closed: {_best(decisions)} {number(best.score)} (trial {best.trial}), "
        f"{best.kept} of {best.cohort} kept: {', '.join(kept[:SHOWN])}{more}"
        + f"; known: {spared}"
        * bool(spared)
    )


def _best(decisions: Sequence[Decision]) -> str:
    """Name the score of the first rank: trials that exceed a limit are ranked below it."""
    if decisions[0].violation:
        return "none within the limits, best"
    return "best within limits" if any(each.violation for each in decisions) else "best"


def missing(rungs: Iterable[RungView], after: Iterable[AfterView] = ()) -> str:
    """Return which jobs of a stopped sweep are missing.

    >>> missing([RungView(0, Fraction(1, 2), 8, 4, 4, 0, 0, 0.1), RungView(1, Fraction(1), 16, 2,
    ... 1, 0, 0, 0.1)])
    'rung 1: 1 of 2 jobs'
    """
    planned = [
        *((view.name, view.trials, view.done) for view in rungs),
        *((KIND_NAMES[view.kind], view.jobs, view.done) for view in after),
    ]
    return "; ".join(
        f"{what}: {jobs - done} of {jobs} jobs" for what, jobs, done in planned if done < jobs
    )


def more_trials(name: str, left: int, option: str = "") -> Iterator[str]:
    """Say how many trials of a sweep a table leaves out, and which command shows them.

    >>> list(more_trials("quickstart", 7)), list(more_trials("quickstart", 0))
    (['and 7 more: searchctl trials quickstart'], [])
    """
    if left > 0:
        yield f"and {left:,} more: searchctl trials {name}{option}"


def _survivors(below: RungView) -> int:
    """Return the most trials that a rung can promote: trials without a score never are."""
    return below.trials - below.failed


def _view(
    row: Mapping[str, Any], trials: int, jobs: list[JobState], direction: Direction
) -> RungView:
    scores = [job.score for job in jobs if job.score is not None and math.isfinite(job.score)]
    best = max if direction == "maximize" else min
    states: Counter[str] = Counter()
    for job in jobs:
        states[job.state] += job.jobs
    failed = states["DIVERGED"] + states["FAIL"]
    return RungView(
        rung=row["rung"],
        fraction=Fraction(row["fraction"]),
        images=row["images"],
        trials=trials,
        done=states["COMPLETE"] + failed,
        running=states["RUNNING"],
        failed=failed,
        best=best(scores) if scores else None,
        cohort=row.get("cohort"),
    )


def duration(seconds: float | None) -> str:
    """Write a time span in hours, minutes and seconds.

    >>> duration(42.4), duration(95), duration(7500), duration(None)
    ('42s', '1m35s', '2h05m', '-')
    """
    if seconds is None:
        return "-"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def number(value: float | None, digits: int = 4) -> str:
    """Write a score, or a dash if there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def assignments(params: Mapping[str, Any]) -> str:
    """Write params on one line, fractions with 4 digits: enough to distinguish them.

    >>> assignments({"lr": 0.001, "lr_decay": 0.31622776601683794, "loss": "dice"})
    'lr=0.001 lr_decay=0.3162 loss=dice'
    """
    return " ".join(f"{name}={value(each)}" for name, each in params.items())


def value(of_param: Any) -> str:
    """Write one param's value, as `assignments` does; a whole float is stored as an int.

    >>> value(1 / 3), value(64), value(10**30), value((6, 12)), value({"dice": 0.5})
    ('0.3333', '64', '1e+30', '[6, 12]', '{dice: 0.5}')
    """
    if isinstance(of_param, list | tuple):
        return f"[{', '.join(map(value, of_param))}]"
    if isinstance(of_param, dict):
        return f"{{{', '.join(f'{name}: {value(each)}' for name, each in of_param.items())}}}"
    fraction = isinstance(of_param, float) or (isinstance(of_param, int) and of_param > 10**12)
    return f"{of_param:.4g}" if fraction else str(of_param)
