"""The ladder as a chart, pure: each trial is a line through the rungs until its cut."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from searchctl.orchestrator.facts.sweeps import assignments, number
from searchctl.orchestrator.report.charts.axes import Point, Tick, path
from searchctl.orchestrator.report.charts.plots import score_scale
from searchctl.orchestrator.report.facts import Report, RungFacts, TrialFacts

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
    """One rung."""

    x: float
    title: str
    subtitle: str
    cutoff: float | None
    """Position of the last survivor's score."""


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
    ladder = [rung for rung in report.ladder if not rung.cohort]
    xs = _columns(len(ladder), left + _STUB + 4, right)
    colours = {trial: place for place, trial in enumerate(report.finalists)}
    lines = [
        _line(
            trial, [(xs[s.rung], up(s.score)) for s in trial.steps if s.score is not None], colours
        )
        for trial in reversed(report.trials)
        if trial.scored
    ]
    lines.sort(key=lambda line: (line.kind == "finalist", line.kind == "open"))
    cuts = ((rung.rung, rung.cutoff) for rung in ladder if _cuts(rung))
    marks = {rung: up(cutoff) for rung, cutoff in cuts if cutoff is not None}
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
        [_column(rung, xs, marks) for rung in ladder],
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


def _column(rung: RungFacts, xs: Sequence[float], marks: Mapping[int, float]) -> Column:
    """Return a rung with the texts that fit; the table of rungs has all of them."""
    apart = xs[1] - xs[0] if len(xs) > 1 else _WIDE
    share = "all" if rung.fraction == "1" else rung.fraction
    cut = f" → {rung.kept}" if rung.rung in marks else ""
    title = f"{rung.images:,} images ({share})" if apart >= _WIDE else share
    subtitle = f"{rung.trials}{cut}" + (
        f" trial{'s' * (rung.trials != 1)}" if apart >= _WIDE else ""
    )
    from_top = len(xs) - 1 - rung.rung
    if from_top % math.ceil(_NARROW / apart):
        title = ""
    return Column(xs[rung.rung], title, subtitle if apart >= _MIDDLE else "", marks.get(rung.rung))


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
