"""The input of a report's templates: its facts and its charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from searchctl.orchestrator.analysis.tradeoff import hardware
from searchctl.orchestrator.facts.limits import exceeding_all
from searchctl.orchestrator.report.blocks import Block, blocks
from searchctl.orchestrator.report.charts.figures import (
    MOST_TRIALS,
    Compared,
    FollowedClass,
    Learning,
    compare_finalists,
    compare_options,
    cost_charts,
    follow_classes,
    learning_of,
)
from searchctl.orchestrator.report.charts.ladder import LadderChart, ladder_chart
from searchctl.orchestrator.report.charts.params import ParamCharts, param_charts
from searchctl.orchestrator.report.charts.plots import Histogram, ScatterChart, histogram
from searchctl.orchestrator.report.decision import decision_text
from searchctl.orchestrator.report.facts import Contrast, Picture, Report
from searchctl.orchestrator.report.pictures import MaskView, mask_view, picture_urls
from searchctl.orchestrator.report.trial_facts import Curve, TrialFacts
from searchctl.orchestrator.statistics.drift import searched
from searchctl.orchestrator.storage.scores import by_accuracy
from searchctl.orchestrator.terminal.plans.grade import grade_report
from searchctl.orchestrator.terminal.trials.explain import certainty_text, how_sure
from searchctl.orchestrator.terminal.trials.fidelity import fidelity_report
from searchctl.orchestrator.terminal.trials.follow_up import follow_up_report
from searchctl.orchestrator.terminal.trials.tradeoff import tradeoff_report
from searchctl.trainer.scores.catalog import ScoreName, title


@dataclass(frozen=True)
class Page:
    """A report with its charts and pictures."""

    r: Report
    score: str
    """Name of the score that ranks trials."""
    by_class: str
    """Name of the score of a class."""
    decision: str
    """What won, by how much, and at what cost."""
    names: list[str]
    """The searched params."""
    certainty: str
    """How sure the winner is, given the noise of the seed."""
    how_sure: str
    """The comparison of two trained networks."""
    ladder: list[LadderChart]
    """Wide and narrow."""
    learning: list[Learning]
    finalists: Compared
    followed: list[FollowedClass]
    options: list[tuple[Contrast, Compared]]
    params: ParamCharts
    """The charts of all searched params."""
    costs: list[ScatterChart]
    unlabeled: Histogram | None
    fidelity: list[Block]
    tradeoff: list[Block]
    follow_up: list[Block]
    grade: list[Block]
    masks: MaskView | None
    features: list[tuple[Picture, str]]
    """Pictures with their data: URLs."""

    @property
    def trials(self) -> list[TrialFacts]:
        """The trials that are listed."""
        return self.r.trials[:MOST_TRIALS]

    @property
    def exceeding(self) -> str:
        """A sentence on the listed trials that exceed a limit; empty if none does."""
        return exceeding_all((each.trial, each.violation) for each in self.trials)

    @cached_property
    def splits(self) -> list[str]:
        """The splits that any trial is scored on, besides the score that ranks trials."""
        extra = ["val"] if self.r.about.score == "val_loss" else []
        wanted = [*extra, "val_original", "test", "test_original"]
        if self.r.about.task == "classification":  # an image has one label at any size
            wanted = [*extra, "test"]
        return [s for s in wanted if any(s in each.evaluations for each in self.r.trials)]

    @property
    def recorded(self) -> dict[ScoreName, str]:
        """The other scores that were recorded: name -> title."""
        return {name: title(name) for name in self.r.about.recorded}

    @cached_property
    def devices(self) -> list[str]:
        """The hardware on which latencies were measured; empty if none was."""
        measured = (each for each in self.r.trials if each.latency_ms is not None)
        return sorted({hardware(each.device) for each in measured})

    @property
    def limited(self) -> bool:
        """Whether the sweep has limits, and a trial was measured for them."""
        return any(each.measured for each in self.r.trials)

    @cached_property
    def latency_limited(self) -> bool:
        """Whether the shown latencies are those that a limit judges, not those of the jobs."""
        return any("latency_ms" in each.measured for each in self.r.trials)

    def latency(self, trial: TrialFacts) -> float | None:
        """Return the latency that is shown of a trial, in milliseconds."""
        if self.latency_limited:
            return trial.measured.get("latency_ms")
        return trial.latency_ms

    @property
    def shown(self) -> list[TrialFacts]:
        """The finalists, the best first."""
        return [each for each in self.r.trials if each.trial in self.r.finalists]

    def curve(self, trial: int) -> Curve | None:
        """Return the curve of a finalist at its highest rung."""
        of_trial = [curve for curve in self.r.curves if curve.trial == trial]
        return of_trial[-1] if of_trial else None


def page_of(report: Report) -> Page:
    """Make the charts of a report; reads the pictures of masks."""
    score = title(report.about.score)
    params = {each.trial: each.params for each in report.trials}
    best = replace(report, trials=report.trials[:MOST_TRIALS])
    sizes = ((1120, 470), (390, 430))
    ladders = (ladder_chart(best, score, width=w, height=h) for w, h in sizes)
    comparison = report.answer.comparison if report.answer else None
    certainty = report.answer.certainty if report.answer else None
    shares, names = report.unlabeled, _columns(params)
    return Page(
        r=report,
        score=score,
        by_class="accuracy" if by_accuracy(report.about.score, report.about.task) else "IoU",
        decision=decision_text(report),
        names=names,
        certainty=certainty_text(certainty, score) if certainty else "",
        how_sure=how_sure(comparison, score) if comparison else "",
        ladder=[each for each in ladders if each],
        learning=[learning_of(report, trial) for trial in report.finalists],
        finalists=compare_finalists(report),
        followed=list(follow_classes(report)),
        options=[(each, compare_options(report, each)) for each in report.contrasts],
        params=param_charts(report, names),
        costs=list(cost_charts(report)),
        unlabeled=histogram(shares.bins, shares.upper, x_title="unlabeled pixels", y_title="images")
        if shares
        else None,
        fidelity=blocks(fidelity_report(report.fidelity)) if report.fidelity else [],
        tradeoff=blocks(tradeoff_report(report.tradeoff)) if report.tradeoff else [],
        follow_up=blocks(follow_up_report(report.appraisal)) if report.appraisal else [],
        grade=blocks(grade_report(report.grade)) if report.grade else [],
        masks=mask_view(_best_first(report, report.masks)),
        features=picture_urls(_best_first(report, report.features)),
    )


def _columns(params: Mapping[int, Mapping[str, Any]]) -> list[str]:
    """Return the params that differ between trials, or that only some trials have.

    If there are none, all params are returned.
    """
    every = list(dict.fromkeys(name for each in params.values() for name in each))
    some = {name for name in every if any(name not in each for each in params.values())}
    differing = some.union(searched(params))
    return [name for name in every if name in differing] or every


def _best_first(report: Report, pictures: Sequence[Picture]) -> list[Picture]:
    order = {trial: place for place, trial in enumerate(report.finalists)}
    return sorted(pictures, key=lambda each: order[each.trial])
