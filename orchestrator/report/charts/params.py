"""Every searched param against the score, pure: slice plots, and parallel coordinates for all.

Scores on few images are lower than on many, so a trial's colour tells the most images that it was
trained on.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from searchctl.orchestrator.facts.sweeps import number, value
from searchctl.orchestrator.report.charts.axes import Point, Scale, Tick, path, scale_over
from searchctl.orchestrator.report.charts.plots import Frame, score_scale
from searchctl.orchestrator.report.facts import Report
from searchctl.orchestrator.report.trial_facts import TrialFacts
from searchctl.trainer.scores.catalog import title

MOST_DRAWN = 400
"""Most trials in one chart: the finalists, and others at even steps from the best to the worst."""
_LOG_FROM = 50.0
"""A list of positive numbers is drawn on a log scale if its largest is so many times its least."""
_FEW = 6
"""So few values of a number are its ticks."""
_LETTER = 6.4
"""Pixels that a letter needs."""
_COLUMN = 130.0
"""Pixels between two axes of parallel coordinates."""
_GOLDEN = 0.618034
"""Multiples of it spread the trials of one category evenly."""


@dataclass(frozen=True)
class Mark:
    """A trial in a slice plot."""

    trial: int
    at: Point
    strength: int
    """Share of the way from the first rung to the last one, in percent."""
    title: str


@dataclass(frozen=True)
class SliceChart:
    """One param against the score."""

    name: str
    frame: Frame
    marks: list[Mark]
    """Those on the most images last, so that they are drawn over the others."""
    alt: str
    """What the picture shows, for those who do not see it."""


@dataclass(frozen=True)
class Axis:
    """One of several parallel axes."""

    x: float
    title: str
    ticks: list[Tick]


@dataclass(frozen=True)
class Way:
    """A trial as a line over all axes; it has a gap where the trial lacks a param."""

    trial: int
    path: str
    strength: int
    title: str


@dataclass(frozen=True)
class ParallelChart:
    """All params and the score as parallel axes."""

    width: float
    height: float
    top: float
    bottom: float
    axes: list[Axis]
    ways: list[Way]
    alt: str


@dataclass(frozen=True)
class ParamCharts:
    """The charts of all searched params."""

    slices: list[SliceChart]
    parallel: ParallelChart | None
    rungs: list[tuple[str, int]]
    """The numbers of images with their colours."""
    drawn: int
    """Number of trials that are drawn, of those with a score: `scored`."""
    scored: int


def param_charts(report: Report, names: Sequence[str]) -> ParamCharts:
    """Draw each of these params, as far as trials with a score have it."""
    trials = _shown(report)
    strengths = _strengths(report)
    slices = [chart for name in names for chart in _slice(report, name, trials, strengths)]
    parallel = _parallel(report, [each.name for each in slices], trials, strengths)
    rungs = [(f"{images:,} images", strength) for images, strength in strengths.items()]
    scored = sum(each.scored is not None for each in report.trials)
    return ParamCharts(slices, parallel, rungs, len(trials), scored)


def _shown(report: Report) -> list[TrialFacts]:
    """Return the trials that are drawn, those on the fewest images first."""
    scored = [each for each in report.trials if each.scored]
    step = max(1.0, len(scored) / MOST_DRAWN)
    even = {int(place * step) for place in range(min(len(scored), MOST_DRAWN))}
    kept = [e for n, e in enumerate(scored) if n in even or e.trial in report.finalists]
    return sorted(kept, key=_images)


def _images(trial: TrialFacts) -> int:
    return trial.scored.images if trial.scored else 0


def _strengths(report: Report) -> dict[int, int]:
    """Return the colour of each number of images, in percent."""
    images = sorted({rung.images for rung in report.ladder})
    return {n: 100 * place // max(1, len(images) - 1) for place, n in enumerate(images)}


@dataclass(frozen=True)
class _Values:
    """Where the values of a param are on an axis."""

    place: Callable[[Any], float]
    ticks: list[Tick]
    kind: str
    """In words."""
    room: float
    """Pixels over which the trials of one value are spread; 0 for a continuous number."""


def _numbers(values: Sequence[float], start: float, end: float, *, log: bool) -> _Values:
    low, high, distinct = min(values), max(values), sorted({*values})
    few = len(distinct) <= _FEW
    log = low > 0 and (log or (few and high / low >= _LOG_FROM))
    scale = scale_over(values, start, end, log=log)
    ticks = [Tick(scale(each), value(each)) for each in distinct] if few else scale.ticks(4)
    return _Values(scale, ticks, "log scale" if log else "linear scale", 10.0 if few else 0.0)


def _categories(values: Sequence[Any], start: float, end: float, letters: int) -> _Values:
    names = sorted({value(each) for each in values})
    step = (end - start) / len(names)
    places = {name: round(start + (n + 0.5) * step, 1) for n, name in enumerate(names)}
    ticks = [Tick(place, _cut(name, letters)) for name, place in places.items()]
    kind = f"{len(names)} values"
    return _Values(lambda each: places[value(each)], ticks, kind, 0.6 * abs(step))


def _cut(text: str, letters: int) -> str:
    """Return a text, shortened to so many letters.

    >>> _cut("cross_entropy", 6)
    'cross…'
    """
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def _placed(
    report: Report, name: str, trials: Sequence[TrialFacts], start: float, end: float, letters: int
) -> _Values:
    values = [each.params[name] for each in trials if name in each.params]
    if {type(each) for each in values} <= {int, float}:
        return _numbers(values, start, end, log=name in report.log_params)
    return _categories(values, start, end, letters)


def _scale(report: Report, trials: Sequence[TrialFacts], top: float, bottom: float) -> Scale:
    scores = [each.scored.score or 0.0 for each in trials if each.scored]
    return score_scale(scores, top, bottom, report.about.direction == "maximize")


def _slice(
    report: Report, name: str, trials: Sequence[TrialFacts], strengths: Mapping[int, int]
) -> Iterator[SliceChart]:
    """Yield the chart of a param; nothing if no trial with a score has it."""
    with_it = [each for each in trials if name in each.params]
    if not with_it:
        return
    width, height, left, top = 370, 225, 46.0, 24.0
    right, bottom = width - 16.0, height - 34.0
    count = len({value(each.params[name]) for each in with_it})
    letters = max(3, int((right - left) / count / _LETTER))
    across = _placed(report, name, with_it, left, right, letters)
    up = _scale(report, with_it, top, bottom)
    score = title(report.about.score)
    marks = [
        Mark(
            each.trial,
            (round(across.place(each.params[name]) + _aside(each, across.room), 1), up(shown)),
            strengths.get(_images(each), 100),
            f"trial {each.trial}: {name} {value(each.params[name])}, {score} {number(shown)} "
            f"on {_images(each):,} images",
        )
        for each in with_it
        for shown in [each.scored.score if each.scored and each.scored.score else 0.0]
    ]
    longest = max(len(tick.text) for tick in across.ticks)
    ticks = _apart(across.ticks, _LETTER * longest + 3), up.ticks()
    kind = "log scale" if across.kind == "log scale" else ""
    frame = Frame(width, height, left, right, top, bottom, *ticks, kind, score)
    yield SliceChart(name, frame, marks, _alt(report, name, across.kind, len(marks)))


def _apart(ticks: Sequence[Tick], pixels: float) -> list[Tick]:
    """Return the ticks without those that are too near to the one before."""
    kept: list[Tick] = []
    for tick in ticks:
        if not kept or abs(tick.at - kept[-1].at) >= pixels:
            kept.append(tick)
    return kept


def _aside(trial: TrialFacts, room: float) -> float:
    """Return how far a trial is beside the place of its value."""
    return (trial.trial * _GOLDEN % 1 - 0.5) * room


def _alt(report: Report, name: str, kind: str, trials: int) -> str:
    text = f"{title(report.about.score)} against {name} ({kind}), {trials} trials"
    best = report.answer.params.get(name) if report.answer else None
    return text if best is None else f"{text}; the best trial has {value(best)}"


def _parallel(
    report: Report,
    names: Sequence[str],
    trials: Sequence[TrialFacts],
    strengths: Mapping[int, int],
) -> ParallelChart | None:
    """Return all params as parallel axes; None for fewer than two."""
    if len(names) < 2:
        return None
    top, bottom, left = 34.0, 300.0, 60.0
    across = {name: left + _COLUMN * place for place, name in enumerate(names)}
    ups = {name: _placed(report, name, trials, bottom, top, 14) for name in names}
    score = _scale(report, trials, top, bottom)
    last, measure = left + _COLUMN * len(names), title(report.about.score)
    axes = [Axis(x, _cut(name, 19), _apart(ups[name].ticks, 12)) for name, x in across.items()]
    ways = [
        Way(
            each.trial,
            _way(each, across, ups, (last, score(shown))),
            strengths.get(_images(each), 100),
            f"trial {each.trial}: {measure} {number(shown)} on {_images(each):,} images",
        )
        for each in trials
        for shown in [each.scored.score if each.scored and each.scored.score else 0.0]
    ]
    alt = f"{len(ways)} trials as lines over {', '.join(names)} and {measure}"
    axes = [*axes, Axis(last, measure, score.ticks())]
    return ParallelChart(last + 60.0, bottom + 12.0, top, bottom, axes, ways, alt)


def _way(
    trial: TrialFacts, across: Mapping[str, float], ups: Mapping[str, _Values], end: Point
) -> str:
    """Return the path of a trial, in one part for each row of params that it has."""
    parts: list[list[Point]] = [[]]
    for name, x in across.items():
        if name in trial.params:
            at = ups[name]
            parts[-1].append((x, round(at.place(trial.params[name]) + _aside(trial, at.room), 1)))
        elif parts[-1]:
            parts.append([])
    parts[-1].append(end)
    return "".join(path(part) for part in parts if part)
