"""The first sentences of a report, for the one who decides: what won, by how much, at what cost."""

from collections.abc import Iterator
from math import sqrt

from searchctl.orchestrator.analysis.certainty import Certainty
from searchctl.orchestrator.facts.limits import exceeding
from searchctl.orchestrator.facts.sweeps import assignments, duration, number
from searchctl.orchestrator.report.facts import Answer, Report
from searchctl.orchestrator.statistics.certainty import SHOWN_FROM
from searchctl.trainer.scores.catalog import title


def decision_text(report: Report) -> str:
    """Return the sentences; empty without an answer."""
    answer = report.answer
    if answer is None:
        return ""
    first = [_winner(report, answer), *_exceeds(answer)]
    return " ".join([*first, *_gain(answer), _cost(answer, report.about.trials)])


def _winner(report: Report, answer: Answer) -> str:
    wins = "wins" if report.about.state == "COMPLETE" else "is the best so far"
    score = title(report.about.score)
    found = answer.score if answer.mean is None else answer.mean
    params = f" ({assignments(answer.params)})" if answer.params else ""
    return f"Trial {answer.trial}{params} {wins} with a validation {score} of {number(found)}."


def _exceeds(answer: Answer) -> Iterator[str]:
    """Say that the winner exceeds a limit, if it does."""
    if answer.violation:
        yield f"{exceeding(answer.trial, answer.violation)} No finalist is within the limits."


def _gain(answer: Answer) -> Iterator[str]:
    """Say by how much it is better than the baseline, or than the next finalist."""
    baseline = answer.baseline
    if baseline is not None and baseline.trial != answer.trial and baseline.gain is not None:
        yield _difference(answer, f"the baseline (trial {baseline.trial})", baseline.gain)
        return
    if baseline is not None and baseline.trial == answer.trial:
        yield "It is the baseline itself: no other trial is better."
        return
    if isinstance(answer.certainty, Certainty):
        first, second = answer.certainty.rivals[:2]
        gain = abs(first.mean - second.mean)
        yield _difference(answer, f"the next finalist (trial {second.trial})", gain)


def _difference(answer: Answer, other: str, gain: float) -> str:
    if not isinstance(answer.certainty, Certainty):
        return (
            f"It is better than {other} by {number(gain)}; whether that is more than the noise of "
            "the seed is not known (halving.repeats or searchctl calibrate measures it)."
        )
    noise = answer.certainty.noise.deviation
    if gain > SHOWN_FROM * sqrt(2) * noise:
        return (
            f"It is better than {other} by {number(gain)}; one seed moves a score by {noise:.4f}."
        )
    return (
        f"No difference shown to {other}: {number(gain)}, while one seed moves a score by "
        f"{noise:.4f}."
    )


def _cost(answer: Answer, trials: int) -> str:
    """Say what the ladder cost, beside the full grid: every trial on all of the data."""
    grid = trials / answer.full_trainings
    spent = answer.gpu_seconds or answer.seconds
    what = "of GPU time" if answer.gpu_seconds else "of jobs"
    text = f"It took {duration(spent)} {what}; the full grid would take about {grid:.3g} times that"
    if answer.price_per_gpu_hour is None or not answer.gpu_seconds:
        return f"{text}."
    price = answer.gpu_seconds / 3600 * answer.price_per_gpu_hour
    return f"{text}, {price * grid:,.2f} instead of {price:,.2f}."
