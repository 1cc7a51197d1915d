"""A plan and its estimate by a probe, as tables and sentences."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from searchctl.orchestrator.config.checks.where import counted_conditions
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.config.validation import SweepValidation
from searchctl.orchestrator.facts.scripts import NOT_VOUCHED
from searchctl.orchestrator.facts.text import counted
from searchctl.orchestrator.halving.limits import limit_text, limits_of
from searchctl.orchestrator.planning.cost import Span
from searchctl.orchestrator.planning.plan import Plan
from searchctl.orchestrator.storage.scores import ranking_line
from searchctl.orchestrator.terminal.display import heading, plain_table
from searchctl.orchestrator.terminal.plans.numbers import spread, stage_name
from searchctl.trainer.settings.validation import Validate

if TYPE_CHECKING:
    pass


def plan_report(sweep: Sweep, plan: Plan) -> Iterator[RenderableType]:
    """Yield the ladder, its cost, and warnings."""
    halving = sweep.halving
    yield heading(
        sweep.name,
        f": {counted(plan.trials, 'trial')}{_cohorts(plan)}, eta {halving.eta}, "
        f"{counted(halving.finalists, 'finalist')}, "
        f"score {ranking_line(sweep.to_json())}",
    )
    yield _ladder_table(plan)
    cost, grid = float(plan.full_trainings), plan.trials
    yield (
        f"Costs {cost:g} full trainings instead of {grid} (every trial on all of the data): "
        f"{100 * cost / grid:.0f} %."
    )
    if plan.after:
        yield f"Follow-up jobs (repeats, audit) add {counted(plan.after, 'full training')}."
    yield from _left_out(sweep)
    yield from _known(sweep)
    yield from _limits(sweep)
    if halving.choose == "mean":
        yield f"The winner is the finalist with the best mean over {halving.repeats} seeds."
    yield from _notes(plan)
    for warning in plan.warnings:
        yield Text(f"warning: {warning}", style="yellow")


def _ladder_table(plan: Plan) -> Table:
    table = plain_table(
        "rung", "trials", "fraction", "images", "epochs", "images trained", "validation images"
    )
    epochs = _between(plan.fewest_epochs, plan.epochs)
    for cost in plan.costs:
        stage, rung = cost.stage, cost.stage.rung
        cells = (stage.jobs, rung.fraction, rung.images, epochs)
        images = (_images(cost.images), _images(cost.validation_images))
        name = stage_name(stage.kind, rung.number, stage.cohort)
        table.add_row(name, *map(str, cells), *images)
    if len(plan.costs) > 1:
        totals = (plan.images_span, plan.validation_span)
        table.add_row("all", *[""] * 4, *map(_images, totals), style="bold")
    return table


def _left_out(sweep: Sweep) -> Iterator[str]:
    """Say how much of a grid the conditions leave out."""
    size = sweep.space_.size
    if sweep.search.where and sweep.search.method == "grid" and size is not None:
        left_out = size - len(sweep.points)
        yield f"Conditions (search.where) leave out {left_out} of the grid's {size:,} points."
    if counted_conditions(sweep.search, sweep.space_) and not sweep.parameter_counts:
        instead = "leaves" if sweep.search.method == "grid" else "draws others in place of"
        yield (
            "Conditions on `parameters` are not applied here: before anything is trained, a launch "
            f"counts them and {instead} what does not satisfy them{' out' * (instead == 'leaves')}."
        )


def _known(sweep: Sweep) -> Iterator[str]:
    """Say what the known points are for."""
    origins = Counter(point.origin for point in sweep.points)
    if not origins["known"]:
        return
    known = counted(origins["known"], "known point")
    near = f", and {origins['near']} of the other {len(sweep.points) - origins['known']} near them"
    yield f"The first trials are {known}{near * (origins['near'] > 0)}."
    if sweep.protected:
        yield "Known points are never cut (protect_known): every rung counts them."


def _limits(sweep: Sweep) -> Iterator[str]:
    """Say what is measured of each trial, and what follows from it."""
    if limits := limits_of(sweep.to_json()):
        texts = ", ".join(limit_text(quantity, most) for quantity, most in limits.items())
        yield (
            f"Limits: {texts}. Each is measured once per network and type of hardware; trials that "
            "exceed one are ranked below all others."
        )


def _notes(plan: Plan) -> Iterator[str]:
    if plan.continued == "warm":
        yield (
            "Survivors start from their weights of the rung below (continue: warm), with the same "
            "number of epochs, so the cost is the same."
        )
    if not plan.images_span.known:
        yield (
            "Trials differ in epochs, so the cost of rungs above the first depends on which trials "
            "survive. Shown is the mean of all trials, in brackets the shortest and the longest."
        )
    if plan.patient:
        yield "Jobs may stop early (patience): these numbers are upper bounds."
    if plan.disk is None:
        yield f"{NOT_VOUCHED} What it writes, and how long it scores, is not planned."
        return
    yield _validation(plan)
    low, high = plan.disk.checkpoint
    yield (
        f"Disk: {_between(low, high)} bytes per network weight for the checkpoint of each running "
        f"job, and 4 for each of {counted(plan.disk.kept, 'trial')} whose weights are kept."
    )


def _validation(plan: Plan) -> str:
    scored, of_computing = plan.validation_images, plan.validation_share
    if scored is None or of_computing is None:
        return "The number of validation images is unknown without the data set."
    share = scored / (scored + plan.images_trained)
    much = "; `validate: {last: 1}` reduces it" * (of_computing > 0.3)
    return (
        f"Validation ({_schedule(plan.validation)}) is {100 * share:.0f} % of all images that pass "
        f"through networks, and about {100 * of_computing:.0f} % of the computing{much}."
    )


def _schedule(validation: SweepValidation) -> str:
    below, last = epochs_scored(validation.below), epochs_scored(validation.last)
    if below == last:
        return f"after {last}"
    return f"after {last} on the last rung, after {below} below it"


def epochs_scored(validate: Validate) -> str:
    """Name the epochs after which the validation set is scored.

    >>> epochs_scored(Validate(every=1)), epochs_scored(Validate(every=5, last=2))
    ('every epoch', 'epochs 5, 10, .. and the last 2')
    >>> epochs_scored(Validate(last=2)), epochs_scored(Validate(every=3))
    ('the last 2 epochs', 'epochs 3, 6, .. and the last one')
    """
    if validate.every == 1:
        return "every epoch"
    last = max(1, validate.last)
    if validate.every is None:
        return f"the last {last} epochs" if last > 1 else "the last epoch"
    named = f"the last {last}" if last > 1 else "the last one"
    return f"epochs {validate.every}, {2 * validate.every}, .. and {named}"


def _cohorts(plan: Plan) -> str:
    return f" in {len(plan.ladders)} cohorts" if len(plan.ladders) > 1 else ""


def _images(span: Span | None) -> str:
    """Write a number of images; abbreviated if it is an estimate.

    >>> _images(Span.exactly(13_770_000)), _images(Span(7_155_000, 13_770_000, 20_385_000))
    ('13,770,000', '13.8M (7.16M-20.4M)')
    """
    if span is None:
        return "-"
    return f"{span.expected:,.0f}" if span.known else spread(span, _short)


def _short(count: float) -> str:
    for unit, factor in (("M", 1e6), ("k", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g}{unit}"
    return f"{count:.0f}"


def _between(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"
