"""The first sentences of a report, for the one who decides: what won, by how much, at what cost."""

from collections.abc import Iterator
from math import sqrt

from searchctl.orchestrator.analysis.certainty import Certainty
from searchctl.orchestrator.facts.limits import exceeding
from searchctl.orchestrator.facts.sweeps import assignments, duration, number
from searchctl.orchestrator.report.facts import About, Answer, Report
from searchctl.orchestrator.statistics.certainty import SHOWN_FROM
from searchctl.trainer.scores.catalog import title


def decision_text(report: Report) -> str:
    """Return the sentences; empty without an answer."""
    answer = report.answer
    if answer is None:
        return ""
    first = [_winner(report, answer), *_exceeds(answer)]
    return " ".join([*first, *_gain(answer), _cost(answer, report.about)])


def _winner(report: Report, answer: Answer) -> str:
    wins = "wins" if report.about.state == "COMPLETE" else "is the best so far"
    score = title(report.about.score)
    found = answer.score if answer.mean is None else answer.mean
    params = f" ({assignments(answer.params)})" if answer.params else ""
    rung = "" if report.about.state == "COMPLETE" else f" at rung {answer.rung}"
    what = f"a validation {score} of {number(found)}{rung}"
    return f"Trial {answer.trial}{params} {wins} with {what}."


def _exceeds(answer: Answer) -> Iterator[str]:
    """Say that the winner exceeds a limit, if it does."""
    if answer.violation:
        yield f"{exceeding(answer.trial, answer.violation)} No finalist is within the limits."


def _gain(answer: Answer) -> Iterator[str]:
    """Say by how much it is better than the baseline, or than the next finalist."""
    baseline = answer.baseline
    if baseline is not None and baseline.trial != answer.trial and baseline.gain is not None:
        name = f"the baseline (trial {baseline.trial})"
        yield str(baseline) if baseline.one_seed else _difference(answer, name, baseline.gain)
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


def _cost(answer: Answer, about: About) -> str:
    """Say what the jobs took; of a whole ladder, beside every configuration on all of the data."""
    copied = answer.copied.get("seconds", 0.0), answer.copied.get("gpu_seconds", 0.0)
    seconds, gpu_seconds = answer.seconds + copied[0], answer.gpu_seconds + copied[1]
    spent, elsewhere = (gpu_seconds, copied[1]) if gpu_seconds else (seconds, copied[0])
    text = f"It took {duration(spent)} of {'GPU time' if gpu_seconds else 'jobs'}"
    if elsewhere:
        text += f" ({duration(elsewhere)} of it in earlier sweeps, whose jobs were copied)"
    price = None
    if gpu_seconds and answer.price_per_gpu_hour is not None:
        price = gpu_seconds / 3600 * answer.price_per_gpu_hour
    if about.state != "COMPLETE":
        return f"{text} so far." if price is None else f"{text} so far, {price:,.2f}."
    times = about.trials / answer.full_trainings
    text += f"; every configuration on all data would take about {times:.3g} times that"
    return f"{text}." if price is None else f"{text}, {price * times:,.2f} instead of {price:,.2f}."
