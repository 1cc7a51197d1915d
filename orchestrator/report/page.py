"""What the templates of a report are given: the facts, and what is drawn of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from orchestrator.analysis.drift import searched
from orchestrator.planning.grade_view import grade_report
from orchestrator.report.blocks import Block, blocks
from orchestrator.report.charts import (
    Histogram,
    Line,
    LineChart,
    ScatterChart,
    Spot,
    histogram,
    line_chart,
    scatter_chart,
)
from orchestrator.report.facts import (
    ClassScores,
    Contrast,
    Curve,
    EpochFacts,
    Option,
    Picture,
    Report,
    TrialFacts,
)
from orchestrator.report.ladder_chart import LadderChart, ladder_chart
from orchestrator.report.pictures import MaskView, mask_view, picture_urls
from orchestrator.understanding.appraisal_view import appraisal_report
from orchestrator.understanding.explain_view import SCORE_NAMES, how_sure
from orchestrator.understanding.fidelity_view import fidelity_report
from orchestrator.understanding.tradeoff_view import tradeoff_report
from orchestrator.views.sweeps import assignments, epoch_score, value

MOST_TRIALS = 2000
"""So many trials are drawn and listed, the best: a browser is slow with more."""


@dataclass(frozen=True)
class ClassBars:
    """The IoU of one class by several networks."""

    name: str
    values: list[float | None]


@dataclass(frozen=True)
class Compared:
    """Networks beside each other: their names, their curves and their classes."""

    names: list[str]
    chart: LineChart | None
    bars: list[ClassBars]


@dataclass(frozen=True)
class Learning:
    """How a finalist's jobs went."""

    trial: int
    losses: LineChart | None
    """Training and validation, on all of the data."""
    scores: LineChart | None
    """At every rung."""
    rungs: list[int]


@dataclass(frozen=True)
class Page:
    """A report with its pictures."""

    r: Report
    score: str
    """What trials are ranked by, in words."""
    by_class: str
    """What is known of a class."""
    names: list[str]
    """The searched params."""
    how_sure: str
    ladder: list[LadderChart]
    """Wide and narrow."""
    learning: list[Learning]
    finalists: Compared
    options: list[tuple[Contrast, Compared]]
    costs: list[ScatterChart]
    unlabeled: Histogram | None
    fidelity: list[Block]
    tradeoff: list[Block]
    appraisal: list[Block]
    grade: list[Block]
    masks: MaskView | None
    features: list[tuple[Picture, str]]
    """With their data: URLs."""

    @property
    def trials(self) -> list[TrialFacts]:
        """Those that are listed."""
        return self.r.trials[:MOST_TRIALS]

    @cached_property
    def splits(self) -> list[str]:
        """The splits that some trial is scored on, beside the score that trials are ranked by."""
        extra = ["val"] if self.r.about.score == "val_loss" else []
        wanted = [*extra, "val_original", "test", "test_original"]
        if self.r.about.task == "classification":  # of an image there is one label at any size
            wanted = [*extra, "test"]
        return [s for s in wanted if any(s in each.evaluations for each in self.r.trials)]

    @property
    def shown(self) -> list[TrialFacts]:
        """The finalists, the best first."""
        return [each for each in self.r.trials if each.trial in self.r.finalists]

    def curve(self, trial: int) -> Curve | None:
        """Return the curve of a finalist at its highest rung."""
        of_trial = [curve for curve in self.r.curves if curve.trial == trial]
        return of_trial[-1] if of_trial else None


def page_of(report: Report) -> Page:
    """Draw all that a report shows; reads the pictures of masks."""
    score = SCORE_NAMES[report.about.score]
    params = {each.trial: each.params for each in report.trials}
    best = replace(report, trials=report.trials[:MOST_TRIALS])
    sizes = ((1120, 470), (390, 430))
    ladders = (ladder_chart(best, score, width=w, height=h) for w, h in sizes)
    comparison = report.answer.comparison if report.answer else None
    shares = report.unlabeled
    return Page(
        r=report,
        score=score,
        by_class="accuracy" if report.about.score == "val_accuracy" else "IoU",
        names=searched(params) or list(dict.fromkeys(n for p in params.values() for n in p)),
        how_sure=how_sure(comparison, score) if comparison else "",
        ladder=[each for each in ladders if each],
        learning=[_learning(report, trial) for trial in report.finalists],
        finalists=_finalists(report),
        options=[(each, _compared(report, each)) for each in report.contrasts],
        costs=list(_costs(report)),
        unlabeled=histogram(
            shares.bins, shares.upper, x_title="pixels without a class", y_title="images"
        )
        if shares
        else None,
        fidelity=blocks(fidelity_report(report.fidelity)) if report.fidelity else [],
        tradeoff=blocks(tradeoff_report(report.tradeoff)) if report.tradeoff else [],
        appraisal=blocks(appraisal_report(report.appraisal)) if report.appraisal else [],
        grade=blocks(grade_report(report.grade)) if report.grade else [],
        masks=mask_view(_best_first(report, report.masks)),
        features=picture_urls(_best_first(report, report.features)),
    )


def _best_first(report: Report, pictures: Sequence[Picture]) -> list[Picture]:
    order = {trial: place for place, trial in enumerate(report.finalists)}
    return sorted(pictures, key=lambda each: order[each.trial])


def _learning(report: Report, trial: int) -> Learning:
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
    """Draw a finalist's scores, the higher the rung the stronger."""
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
    """Return the number of an epoch that trials are ranked by, and its name."""
    score = report.about.score
    return ("val_loss", "val loss") if score == "val_loss" else epoch_score(score)


def _score_chart(report: Report, lines: Sequence[Line]) -> LineChart | None:
    _, title = _epoch_score(report)
    higher = report.about.direction == "maximize"
    return line_chart(lines, x_title="epoch", y_title=title, higher_is_better=higher)


def _points(epochs: Sequence[EpochFacts], name: str) -> list[tuple[float, float]]:
    values = ((each.epoch, getattr(each, name)) for each in epochs)
    return [(float(epoch), found) for epoch, found in values if found is not None]


def _finalists(report: Report) -> Compared:
    names = [f"trial {trial}" for trial in report.finalists]
    last = {curve.trial: curve for curve in report.curves}  # by rung: the highest stays
    curves = [(f"trial {trial}", last[trial]) for trial in report.finalists if trial in last]
    of_val = {each.trial: each for each in report.classes if each.split == "val"}
    scores = [of_val.get(trial) for trial in report.finalists]
    return Compared(names, _scores(report, curves), list(_bars(report, scores)))


def _compared(report: Report, contrast: Contrast) -> Compared:
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


def _costs(report: Report) -> Iterator[ScatterChart]:
    """Draw the trials of the rung that the trade-off is about, against each cost that differs."""
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
            y_title=SCORE_NAMES[report.about.score],
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
