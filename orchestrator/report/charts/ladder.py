"""The ladder as a chart, pure: each trial is a line through the rungs until its cut."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from searchctl.orchestrator.facts.sweeps import assignments, number
from searchctl.orchestrator.report.charts.axes import Point, Tick, path
from searchctl.orchestrator.report.charts.plots import score_scale
from searchctl.orchestrator.report.facts import Report, RungFacts
from searchctl.orchestrator.report.trial_facts import TrialFacts

_STUB = 12.0
"""Pixels of a line before its first rung, so that a trial cut there is a dash, not a point."""
_WIDE, _MIDDLE, _NARROW = 130.0, 58.0, 36.0
"""Pixels that a rung's texts need: full, short, the fraction alone."""
_APART = 15.0
"""Minimum pixels between two labels."""


@dataclass(frozen=True)
class TrialLine:
    """One trial's line through the rungs."""

    trial: int
    path: str
    kind: str
    """finalist, cut, or open (running, or its rung is not closed)."""
    colour: int | None
    """Colour of a finalist."""
    end: Point
    title: str


@dataclass(frozen=True)
class Label:
    """A finalist's name beside the end of its line."""

    trial: int
    at: Point
    text: str
    colour: int


@dataclass(frozen=True)
class Column:
    """The rungs of all cohorts on one number of images."""

    x: float
    title: str
    subtitle: str
    cutoffs: list[float]
    """Position of the last survivor's score, of each cohort that is cut there."""


@dataclass(frozen=True)
class LadderChart:
    """The chart of the ladder."""

    width: int
    height: int
    top: float
    bottom: float
    left: float
    right: float
    y_ticks: list[Tick]
    y_title: str
    columns: list[Column]
    lines: list[TrialLine]
    """Finalists last, so that they are drawn over the others."""
    labels: list[Label]
    fade: float
    """Opacity of the lines of dropped trials: the more lines, the lower."""


def ladder_chart(report: Report, score_name: str, *, width: int, height: int) -> LadderChart | None:
    """Return the chart; None if no trial has a score."""
    scores = [s.score for t in report.trials for s in t.steps if s.score is not None]
    if not scores:
        return None
    direction = report.about.direction
    left, right, top, bottom = 50.0, width - 88.0, 30.0, height - 46.0
    up = score_scale(scores, top, bottom, direction == "maximize")
    images = sorted({rung.images for rung in report.ladder})
    xs = dict(zip(images, _columns(len(images), left + _STUB + 4, right), strict=True))
    colours = {trial: place for place, trial in enumerate(report.finalists)}
    lines = [
        _line(
            trial,
            [(xs[s.images], up(s.score)) for s in trial.steps if s.score is not None],
            colours,
        )
        for trial in reversed(report.trials)
        if trial.scored
    ]
    lines.sort(key=lambda line: (line.kind == "finalist", line.kind == "open"))
    arrow = "higher is better" if direction == "maximize" else "better is up"
    return LadderChart(
        width,
        height,
        top,
        bottom,
        left,
        right,
        up.ticks(6),
        f"{score_name}, {arrow}",
        [_column([r for r in report.ladder if r.images == n], xs, up) for n in images],
        lines,
        list(_labels(report.trials, lines, colours, top, bottom)),
        fade=max(0.22, min(0.75, 12 / len(lines) ** 0.75)),
    )


def _columns(rungs: int, left: float, right: float) -> list[float]:
    if rungs == 1:
        return [round((left + right) / 2, 1)]
    return [round(left + (right - left) * place / (rungs - 1), 1) for place in range(rungs)]


def _line(trial: TrialFacts, points: Sequence[Point], colours: Mapping[int, int]) -> TrialLine:
    verdict = trial.scored.verdict if trial.scored else None
    kind = "finalist" if trial.trial in colours else "cut" if verdict == "pruned" else "open"
    (x, y), colour = points[0], colours.get(trial.trial)
    way = path([(max(x - _STUB, 0.0), y), *points])
    return TrialLine(trial.trial, way, kind, colour, points[-1], _title(trial))


def _title(trial: TrialFacts) -> str:
    way = " -> ".join(number(step.score) for step in trial.steps)
    ended = trial.last.verdict or trial.last.state if trial.last else ""
    return f"trial {trial.trial}: {assignments(trial.params)}\n{way} ({ended})"


def _cuts(rung: RungFacts) -> bool:
    return rung.kept is not None and 0 < rung.kept < rung.done


def _column(
    rungs: Sequence[RungFacts], xs: Mapping[int, float], up: Callable[[float], float]
) -> Column:
    """Return a number of images with the texts that fit; the table of rungs has all of them."""
    places = list(xs.values())
    apart = places[1] - places[0] if len(places) > 1 else _WIDE
    first, trials = rungs[0], sum(rung.trials for rung in rungs)
    share = "all" if first.fraction == "1" else first.fraction
    cutoffs = [up(r.cutoff) for r in rungs if _cuts(r) and r.cutoff is not None]
    kept = sum(rung.kept or 0 for rung in rungs)
    cut = f" → {kept}" if len(cutoffs) == len(rungs) else ""
    title = f"{first.images:,} images ({share})" if apart >= _WIDE else share
    subtitle = f"{trials}{cut}" + (f" trial{'s' * (trials != 1)}" if apart >= _WIDE else "")
    from_top = len(places) - 1 - places.index(xs[first.images])
    if from_top % math.ceil(_NARROW / apart):
        title = ""
    return Column(xs[first.images], title, subtitle if apart >= _MIDDLE else "", cutoffs)


def _labels(
    trials: Sequence[TrialFacts],
    lines: Sequence[TrialLine],
    colours: Mapping[int, int],
    top: float,
    bottom: float,
) -> Iterator[Label]:
    """Place the finalists' names as near to the ends of their lines as fits without overlap."""
    scores = {trial.trial: trial.scored.score for trial in trials if trial.scored}
    named = sorted(
        (line for line in lines if line.trial in colours),
        key=lambda line: (line.end[1], colours[line.trial]),
    )
    below = bottom - _APART * (len(named) - 1)
    free = top
    for place, line in enumerate(named):
        y = max(free, min(line.end[1], below + _APART * place))
        text = f"#{line.trial} {number(scores[line.trial], 3)}"
        yield Label(line.trial, (line.end[0] + 8, y), text, colours[line.trial])
        free = y + _APART
