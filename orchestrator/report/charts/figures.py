"""The charts of a page that combine several facts: curves, classes, costs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from searchctl.orchestrator.facts.sweeps import assignments, value
from searchctl.orchestrator.report.charts.plots import (
    Line,
    LineChart,
    ScatterChart,
    Spot,
    line_chart,
    scatter_chart,
)
from searchctl.orchestrator.report.facts import Contrast, Option, Report
from searchctl.orchestrator.report.trial_facts import ClassScores, Curve
from searchctl.orchestrator.storage.scores import epoch_score
from searchctl.trainer.core.results import EpochRecord
from searchctl.trainer.scores.catalog import title

MOST_TRIALS = 1000
"""Most trials that are drawn and listed, the best ones: with more, a browser is slow."""


@dataclass(frozen=True)
class ClassBars:
    """The IoU of one class by several networks."""

    name: str
    values: list[float | None]


@dataclass(frozen=True)
class Compared:
    """Networks compared: their names, their curves and their classes."""

    names: list[str]
    chart: LineChart | None
    bars: list[ClassBars]


@dataclass(frozen=True)
class Learning:
    """Learning curves of a finalist's jobs."""

    trial: int
    losses: LineChart | None
    """Training and validation loss at the highest rung."""
    scores: LineChart | None
    """Scores at every rung."""
    rungs: list[int]


@dataclass(frozen=True)
class FollowedClass:
    """The IoU of one class over the epochs, a line for each finalist."""

    name: str
    share: float | None
    """Share of the labels."""
    chart: LineChart


def learning_of(report: Report, trial: int) -> Learning:
    """Draw the learning curves of a finalist's jobs."""
    curves = [curve for curve in report.curves if curve.trial == trial]
    return Learning(
        trial,
        _losses(curves[-1], report.finalists.index(trial)) if curves else None,
        _by_rung(report, curves),
        [curve.rung for curve in curves],
    )


def _losses(curve: Curve, colour: int) -> LineChart | None:
    lines = [
        Line("training", _points(curve.epochs, "train_loss"), colour, dashed=True),
        Line("validation", _points(curve.epochs, "val_loss"), colour),
    ]
    return line_chart(lines, x_title="epoch", y_title="loss", higher_is_better=False)


def _by_rung(report: Report, curves: Sequence[Curve]) -> LineChart | None:
    """Draw a finalist's scores; higher rungs have stronger lines."""
    lines = []
    for place, curve in enumerate(curves, start=1):
        strength = round(0.25 + 0.75 * place / len(curves), 2)
        colour = report.finalists.index(curve.trial)
        lines.append(replace(_line(report, f"rung {curve.rung}", curve, colour), strength=strength))
    return _score_chart(report, lines)


def _scores(report: Report, curves: Sequence[tuple[str, Curve]]) -> LineChart | None:
    lines = [_line(report, name, curve, place) for place, (name, curve) in enumerate(curves)]
    return _score_chart(report, lines)


def _line(report: Report, label: str, curve: Curve, colour: int) -> Line:
    points = _points(curve.epochs, _epoch_score(report)[0])
    kept = next((point for point in points if point[0] == curve.kept_epoch), None)
    return Line(label, points, colour, marked=kept)


def _epoch_score(report: Report) -> tuple[str, str]:
    """Return the field of an epoch that ranks trials, and its name."""
    score = report.about.score
    return ("val_loss", "val loss") if score == "val_loss" else epoch_score(score)


def _score_chart(report: Report, lines: Sequence[Line]) -> LineChart | None:
    _, title = _epoch_score(report)
    higher = report.about.direction == "maximize"
    return line_chart(lines, x_title="epoch", y_title=title, higher_is_better=higher)


def _points(epochs: Sequence[EpochRecord], name: str) -> list[tuple[float, float]]:
    values = ((each.epoch, each.value(name)) for each in epochs)
    return [(float(epoch), found) for epoch, found in values if found is not None]


def compare_finalists(report: Report) -> Compared:
    """Draw the finalists in common charts, at their highest rung."""
    names = [f"trial {trial}" for trial in report.finalists]
    last = _last_curves(report)
    curves = [(f"trial {trial}", last[trial]) for trial in report.finalists if trial in last]
    of_val = {each.trial: each for each in report.classes if each.split == "val"}
    scores = [of_val.get(trial) for trial in report.finalists]
    return Compared(names, _scores(report, curves), list(_bars(report, scores)))


def follow_classes(report: Report) -> Iterator[FollowedClass]:
    """Draw the IoU of each chosen class over the epochs of the finalists' highest rungs."""
    curves = _last_curves(report)
    for chosen in report.chosen_classes:
        lines = [
            Line(f"trial {trial}", _iou_points(curves[trial], chosen.class_id), place)
            for place, trial in enumerate(report.finalists)
            if trial in curves
        ]
        chart = line_chart(
            lines,
            x_title="epoch",
            y_title="IoU",
            higher_is_better=True,
            room_for=(0.0, 0.1),  # a class with an IoU near zero must not fill the chart
            width=280,
            height=170,
        )
        if chart:
            yield FollowedClass(report.about.classes[chosen.class_id], chosen.share, chart)


def _last_curves(report: Report) -> dict[int, Curve]:
    return {
        curve.trial: curve for curve in report.curves
    }  # curves are in the order of rungs: the highest one stays


def _iou_points(curve: Curve, class_id: int) -> list[tuple[float, float]]:
    known = ((each.epoch, each.val_class_iou) for each in curve.epochs)
    values = ((epoch, ious[class_id]) for epoch, ious in known if ious is not None)
    return [(float(epoch), iou) for epoch, iou in values if iou is not None]


def compare_options(report: Report, contrast: Contrast) -> Compared:
    """Draw the best trial of each value of a param in common charts."""
    names = [_option_name(contrast, option) for option in contrast.options]
    curves = [
        (name, option.curve)
        for name, option in zip(names, contrast.options, strict=True)
        if option.curve
    ]
    bars = list(_bars(report, [option.classes for option in contrast.options]))
    return Compared(names, _scores(report, curves), bars)


def _option_name(contrast: Contrast, option: Option) -> str:
    return f"{contrast.name} {value(option.value)}"


def _bars(report: Report, scores: Sequence[ClassScores | None]) -> Iterator[ClassBars]:
    if not any(scores):
        return
    for class_id, name in enumerate(report.about.classes):
        yield ClassBars(name, [each.values[class_id] if each else None for each in scores])


def cost_charts(report: Report) -> Iterator[ScatterChart]:
    """Draw score against cost at the trade-off's rung, for each cost that differs."""
    if report.tradeoff is None:
        return
    on_front = {(cost, each.trial) for each in report.tradeoff.candidates for cost in each.fronts}
    scores = _scores_at(report, report.tradeoff.rung)
    for cost, costs in report.tradeoff.costs.items():
        spots = [
            Spot(
                trial.trial,
                costs[trial.trial],
                scores[trial.trial],
                (cost, trial.trial) in on_front,
                f"trial {trial.trial}: {assignments(trial.params)}",
            )
            for trial in report.trials[:MOST_TRIALS]
            if trial.trial in scores and trial.trial in costs
        ]
        chart = scatter_chart(
            spots,
            x_title=cost,
            y_title=title(report.about.score),
            higher_is_better=report.about.direction == "maximize",
        )
        if chart and len({spot.cost for spot in spots}) > 1:
            yield chart


def _scores_at(report: Report, rung: int) -> dict[int, float]:
    return {
        trial.trial: step.score
        for trial in report.trials
        for step in trial.steps
        if step.rung == rung and step.score is not None
    }
