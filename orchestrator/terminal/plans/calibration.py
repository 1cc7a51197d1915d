"""Output of `searchctl calibrate`: its cost before it starts, and its answers."""

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from searchctl.orchestrator.calibration.answer import Calibration
from searchctl.orchestrator.calibration.ladders import Loss
from searchctl.orchestrator.calibration.sweeps import CalibrationSweeps
from searchctl.orchestrator.calibration.table import Measured
from searchctl.orchestrator.calibration.time import RecordedSpeed
from searchctl.orchestrator.facts.sweeps import duration
from searchctl.orchestrator.facts.text import counted
from searchctl.orchestrator.planning.cost import Span
from searchctl.orchestrator.planning.plan import Plan
from searchctl.orchestrator.terminal.display import heading, plain_table
from searchctl.orchestrator.terminal.trials.explain import paragraph


def cost_lines(found: CalibrationSweeps) -> Iterator[str]:
    """Yield what a calibration trains and costs."""
    plan, seeds = found.plans[0], len(found.sweeps)
    rungs = counted(len(plan.ladder.rungs), "rung")
    yield (
        f"Calibrates {len(found.trials)} of {counted(found.plan.trials, 'trial')} on all "
        f"{rungs} with {counted(seeds, 'seed')}: {float(found.full_trainings):g} full trainings, "
        f"{seeds * plan.images_trained:,} training images{_validated(plan, seeds)}."
    )
    own = float(found.plan.full_trainings)
    yield f"The sweep itself costs {own:g} full trainings. Equal jobs are trained once for both."


def cost_json(found: CalibrationSweeps, seconds: float | None) -> dict[str, Any]:
    """Return what a calibration trains and costs; `seconds` is its wall time, if it is known."""
    return {
        "trials": list(found.trials),
        "seeds": len(found.sweeps),
        "full_trainings": float(found.full_trainings),
        "images": sum(plan.images_trained for plan in found.plans),
        "seconds": seconds,
    }


def recorded_time(seconds: float, slots: int | None, speed: RecordedSpeed) -> str:
    """Return a line on the time of all jobs, by the speed of earlier ones.

    Args:
        seconds: of all jobs, one after the other.
        slots: how many run at a time; None if that is not known here.
        speed: of the earlier jobs.
    """
    jobs = counted(speed.jobs, "earlier job")
    return f"Time: {_with_slots(seconds, slots)}, at the speed of {jobs} on {speed.hardware}."


def unknown_time(times: float, slots: int | None, *, by_script: bool) -> str:
    """Return a line on the time of jobs that were never trained, as multiples of the first one."""
    several = slots is not None and slots > 1
    parallel = f", or {times / slots:.0f} times with {slots} at a time" if slots and several else ""
    text = (
        "Time: not known until the first job has ended; all jobs together take about "
        f"{times:.0f} times as long as it{parallel}."
    )
    return text if by_script else f"{text} --probe measures it before."


def probed_time(wall: Span, device: str) -> str:
    """Return a line on the wall time of all seeds, by a probe."""
    low, high = duration(wall.low), duration(wall.high)
    return f"Time: about {duration(wall.expected)} ({low} to {high}), measured on {device}."


def _with_slots(seconds: float, slots: int | None) -> str:
    if slots is None:
        return f"about {duration(seconds)} of jobs in all"
    together = f" with {slots} at a time" * (slots > 1)
    return f"about {duration(seconds / slots)}{together}"


def _validated(plan: Plan, seeds: int) -> str:
    if plan.validation_images is None:
        return ""
    return f" and {seeds * plan.validation_images:,} validation images"


def calibration_report(found: Calibration, left_out: int) -> Iterator[RenderableType]:
    """Yield the tables and the answers.

    Args:
        found: the answers.
        left_out: configurations without all of their scores.
    """
    table = found.table
    yield heading(
        "Can the small samples be trusted?",
        f" {counted(table.configurations, 'configuration')}, {counted(table.seeds, 'seed')}",
    )
    yield _rungs_table(found)
    yield paragraph(
        "Kendall's tau between a rung's scores and the mean full score with the other seeds, +- "
        "the standard error over the configurations. Below full: how much less than with the full "
        "score of one seed, which is no certain guide either. Best kept: seeds with which the best "
        "configuration by the other seeds survives a cut on that rung.",
        style="dim",
    )
    if left_out:
        yield paragraph(f"{counted(left_out, 'configuration')} diverged or failed: left out.")
    yield paragraph(_trust(found))
    yield Text()
    yield heading("What do other ladders lose?", " One setting is changed at a time.")
    yield _ladders_table(found)
    yield paragraph(
        "Loss: score of the best configuration minus that of the chosen one, both by the seeds "
        "that did not choose. Against yours: the paired difference; it counts as shown at 95 % for "
        "all ladders together. The drawn configurations climb alone: a larger sweep cuts its best "
        "ones on higher rungs, and loses less.",
        style="dim",
    )
    yield paragraph(_proposal(found))


def _rungs_table(found: Calibration) -> Table:
    table = plain_table("fraction", "rank correlation", "best kept", "below full", "difference")
    for rung in found.rungs:
        last = rung is found.rungs[-1]
        table.add_row(
            str(rung.fraction),
            _with_error(rung.correlation, 2),
            f"{rung.survived} of {rung.seeds}",
            "" if last else _with_error(rung.lost, 2),
            "" if last else ("shown" if rung.lost.shown else "not shown"),
        )
    return table


def _trust(found: Calibration) -> str:
    lowest = found.lowest_trusted
    if lowest is None:
        return (
            "No rung is shown to rank better than chance, not even all of the data: the seed "
            "decides as much as the configuration. Calibrate more trials, or more seeds."
        )
    if lowest is found.rungs[0]:
        return f"Every rung, from {lowest.fraction} on, ranks better than chance."
    return (
        f"From {lowest.fraction} on, every rung is shown to rank better than chance. Below that it "
        "is not shown."
    )


def _ladders_table(found: Calibration) -> Table:
    names = ("eta", "from", "finalists", "full trainings", "loss", "against yours", "difference")
    table = plain_table(*names)
    for loss in (found.yours, *found.others):
        table.add_row(*_ladder_cells(loss, found))
    return table


def _ladder_cells(loss: Loss, found: Calibration) -> tuple[str, ...]:
    choice, yours = loss.choice, loss is found.yours
    ladder = (str(choice.eta), str(loss.lowest), str(choice.finalists))
    if len(choice.rungs) == 1:
        ladder = ("-", str(loss.lowest), "-")
    against = "" if yours else _with_error(loss.against_yours, 4)
    cost = f"{float(choice.full_trainings):g}"
    return (*ladder, cost, _with_error(loss.loss, 4), against, "yours" if yours else _said(loss))


def _said(loss: Loss) -> str:
    if not loss.against_yours.shown:
        return "not shown"
    return "loses less" if loss.against_yours.value < 0 else "loses more"


def _proposal(found: Calibration) -> str:
    if found.proposed is not found.yours:
        return (
            f"Proposed: {_named(found.proposed)}. It is the cheapest that is shown to lose less "
            "than yours."
        )
    reach = [each.against_yours.reach for each in found.others]
    text = (
        f"Proposed: {_named(found.yours)}, as it is. No ladder is shown to lose less. With so many "
        f"trainings, a difference is shown only above {min(reach):.2g} to {max(reach):.2g}."
    )
    if found.as_good:
        cheapest = found.as_good[0]
        text += (
            f" The cheapest for which no difference is shown is {_named(cheapest)}, at "
            f"{float(cheapest.choice.full_trainings):g} full trainings; that is no proof that "
            "there is none."
        )
    return text


def _named(loss: Loss) -> str:
    if len(loss.choice.rungs) == 1:
        return "every trial on all of the data"
    return f"eta {loss.choice.eta}, from {loss.lowest}, finalists {loss.choice.finalists}"


def _with_error(measured: Measured, digits: int) -> str:
    return f"{measured.value:.{digits}f} +- {measured.error:.{digits}f}"


def calibration_json(found: Calibration, trials: list[int]) -> dict[str, Any]:
    """Return the answers as JSON values."""
    lowest = found.lowest_trusted
    return {
        "trials": trials,
        "seeds": found.table.seeds,
        "deviation": found.table.deviation,
        "scores": found.table.scores.tolist(),
        "rungs": [
            {
                "fraction": str(rung.fraction),
                "correlation": _measured_json(rung.correlation),
                "below_full": _measured_json(rung.lost),
                "best_kept": rung.survived,
            }
            for rung in found.rungs
        ],
        "lowest_trusted": str(lowest.fraction) if lowest else None,
        "yours": _loss_json(found.yours),
        "others": [_loss_json(each) for each in found.others],
        "proposed": _loss_json(found.proposed),
    }


def _loss_json(loss: Loss) -> dict[str, Any]:
    choice = loss.choice
    return {
        "eta": choice.eta,
        "lowest_fraction": str(loss.lowest),
        "finalists": choice.finalists,
        "full_trainings": float(choice.full_trainings),
        "loss": _measured_json(loss.loss),
        "against_yours": _measured_json(loss.against_yours),
    }


def _measured_json(measured: Measured) -> dict[str, Any]:
    return {"value": measured.value, "error": measured.error, "shown": measured.shown}
