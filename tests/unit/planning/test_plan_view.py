import io
from dataclasses import asdict, replace

import pytest
from rich.console import Console
from rich.table import Table

from searchctl.orchestrator.planning.capacity import Capacity
from searchctl.orchestrator.planning.cost import Span
from searchctl.orchestrator.planning.disk import Disk
from searchctl.orchestrator.planning.estimate import CostEstimate, StageEstimate
from searchctl.orchestrator.planning.plan import plan_sweep
from searchctl.orchestrator.planning.probing.estimating import EstimatedPlan
from searchctl.orchestrator.planning.probing.probed import Probe, Probed, Sizes, Speed
from searchctl.orchestrator.terminal.plans.estimate import estimate_report
from searchctl.orchestrator.terminal.plans.plan import plan_report
from searchctl.trainer.settings.batch import Batch

SWEEP = """\
    name: shown
    data: {dataset: scenes, train: 23000, val: 500}
    training: %s
    space: %s
    halving: %s
    """
LARGE = Speed(
    train=Span(0.0231, 0.0242, 0.0273),
    score=Span(0.0101, 0.0102, 0.0113),
    score_original=Span(0.0101, 0.0102, 0.0113),
    start=2.5,
    checkpoint_bytes=1_900_000_000,
    weights_bytes=470_000_000,
    peak_bytes=61_000_000_000,
)


def lines(part, width):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(part)
    return console.file.getvalue().splitlines()


def rendered(parts, width=500):
    return "\n".join(line for part in parts for line in lines(part, width))


def planned(sweep_of, training="{}", space="{lr: [0.1, 0.2, 0.3, 0.4]}", halving="{}"):
    sweep = sweep_of(SWEEP % (training, space, halving))
    return sweep, plan_sweep(sweep)


def estimated(sweep_of, fleet):
    _, plan = planned(sweep_of)
    hours = Span(90_000, 100_000, 123_456)
    stages = tuple(
        StageEstimate("ladder", rung.number, jobs=hours, one=hours * 0.25, wall=hours * 0.5)
        for rung in plan.ladder.rungs
    )
    probe = Probe("cuda (NVIDIA H100)", 8, Sizes(23000, 500, 0), (Probed({}, (0, 1), LARGE, True),))
    disk = Disk(peak=9_000_000_000, kept=940_000_000)
    return EstimatedPlan(
        probe, CostEstimate(probe.device, fleet, stages, disk, 61_000_000_000), plan
    )


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("space", ["{lr: [0.1, 0.2, 0.3, 0.4]}", "{epochs: [6, 40, 100, 300]}"])
def test_no_row_of_the_ladder_is_broken(sweep_of, space, width):
    sweep, plan = planned(sweep_of, space=space)
    (table,) = (part for part in plan_report(sweep, plan) if isinstance(part, Table))
    assert len(lines(table, width)) == 1 + len(plan.costs) + 1


def test_warm_weights_are_reported_to_save_nothing(sweep_of):
    assert "so the cost is the same" in rendered(
        plan_report(*planned(sweep_of, halving="{continue: warm}"))
    )
    assert "so the cost is the same" not in rendered(plan_report(*planned(sweep_of)))


def test_the_plan_mentions_survivors_only_if_the_cost_depends_on_them(sweep_of):
    assert "which trials" in rendered(
        plan_report(*planned(sweep_of, space="{epochs: [6, 40, 300]}"))
    )
    assert "survives" not in rendered(plan_report(*planned(sweep_of)))


def test_patience_makes_the_plan_a_bound(sweep_of):
    assert "may stop early" in rendered(plan_report(*planned(sweep_of, "{patience: 3}")))


def test_follow_up_jobs_are_added_to_the_cost(sweep_of):
    text = rendered(plan_report(*planned(sweep_of, halving="{repeats: 3, audit: 1}")))
    assert "add 6 full trainings" in text
    assert [line.split()[:2] for line in text.splitlines()[4:6]] == [
        ["repeat", "4"],
        ["audit", "2"],
    ]


def test_an_expensive_validation_comes_with_a_fix(sweep_of):
    few = sweep_of("name: s\ndata: {dataset: scenes, train: 8, val: 80}\nspace: {lr: [0.1, 0.2]}\n")
    text = " ".join(rendered(plan_report(few, plan_sweep(few))).split())
    assert "about 77 % of the computing; `validate: {last: 1}` reduces it" in text


def test_the_epochs_that_are_scored_are_stated_for_the_rungs(sweep_of):
    halving = "{fractions: [1/100, 1]}"
    text = rendered(plan_report(*planned(sweep_of, "{batch_size: 2}", halving=halving)))
    assert "after every epoch on the last rung, after the last 2 epochs below it" in text
    text = rendered(plan_report(*planned(sweep_of, "{validate: {every: 5}}", halving=halving)))
    assert "Validation (after epochs 5, 10, .. and the last one) is" in text


def test_gpu_hours_are_those_used_and_those_from_start_to_end(sweep_of):
    fleet = Capacity(parallel=4, cpus_per_trial=4, gpus_per_trial=1, gpus=4, price=2.5)
    text = " ".join(rendered(estimate_report(estimated(sweep_of, fleet))).split())
    held = 2 * 100_000 / 3600
    assert f"GPU hours: {held:.3g} (50-68.6) used by trials" in text
    assert "111 (100-137) for 4 GPUs from start to end, of which 50 % are idle" in text
    assert "Price: 139 (125-171) for hours used by trials, 278 (250-343) for GPUs" in text
    assert "This is not a confidence interval" in text


HALF = Capacity(parallel=2, cpus_per_trial=1, gpus_per_trial=0.5, gpus=1)


@pytest.mark.parametrize(
    ("gpu_bytes", "batch", "said"),
    [
        (None, None, None),
        (130_000_000_000, None, None),
        (80_000_000_000, None, "trials 0, 1: 62.0 GB, of which it has 40.0"),
        (130_000_000_000, Batch(4, 2), "measured with batch_size 4 and accumulate 2, which takes"),
    ],
    ids=["on a CPU", "fits", "does not fit its share", "did not fit at all"],
)
def test_trials_that_do_not_fit_the_smallest_gpu_are_named(sweep_of, gpu_bytes, batch, said):
    found = estimated(sweep_of, HALF)
    (measured,) = found.probe.classes
    classes = (replace(measured, batch=batch),)
    probe = replace(found.probe, gpu_bytes=gpu_bytes, classes=classes)
    text = " ".join(rendered(estimate_report(replace(found, probe=probe))).split())
    assert ("Too large for the smallest GPU" in text) == (said is not None)
    assert (said or "") in text
    assert Probe.from_json(asdict(probe)) == probe


def test_no_row_of_a_long_estimate_is_broken(sweep_of):
    fleet = Capacity(parallel=16, cpus_per_trial=4, gpus_per_trial=1, gpus=16)
    tables = [p for p in estimate_report(estimated(sweep_of, fleet)) if isinstance(p, Table)]
    assert [len(lines(table, 80)) for table in tables] == [2, 4]


def test_what_the_interval_leaves_out_depends_on_the_capacity(sweep_of):
    alone = Capacity(parallel=1, cpus_per_trial=1, gpus_per_trial=0, gpus=0)
    shared = Capacity(parallel=4, cpus_per_trial=1, gpus_per_trial=0.5, gpus=2)
    first, second = (
        rendered(estimate_report(estimated(sweep_of, each))) for each in (alone, shared)
    )
    assert "No GPU is used" in first
    assert "share a GPU" not in first
    assert "4 parallel trials" in " ".join(second.split())
    assert "share a GPU" in " ".join(second.split())
