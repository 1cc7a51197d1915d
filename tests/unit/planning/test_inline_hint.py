import pytest

from searchctl.orchestrator.config.sections.resources import ResourceSettings
from searchctl.orchestrator.planning.capacity import Capacity
from searchctl.orchestrator.planning.cost import Span
from searchctl.orchestrator.planning.disk import Disk
from searchctl.orchestrator.planning.estimate import CostEstimate, StageEstimate
from searchctl.orchestrator.planning.inline import inline_hint
from searchctl.trainer.core.machine.cpus import own_cpus

HALF = ResourceSettings(cpus_per_trial=own_cpus() / 2)


def estimate(all_jobs, wall):
    stage = StageEstimate("ladder", 0, Span.exactly(all_jobs), Span.exactly(1), Span.exactly(wall))
    return CostEstimate("cpu", Capacity(2, 1, 0, 0), (stage,), Disk(0, 0), 0)


def test_a_sweep_of_seconds_is_faster_without_ray():
    hint = inline_hint(HALF, estimate(12, 6))
    assert hint == (
        "`launch --inline` is faster: 2 trials at a time save about 6 s, and Ray takes about 10 s "
        "to start."
    )


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (HALF, estimate(1000, 500)),
        (HALF, None),
        (ResourceSettings(address="auto", max_parallel=1), estimate(12, 12)),
        (ResourceSettings(cpus_per_trial=10_000), None),
        (ResourceSettings(gpus_per_trial=1), None),
    ],
)
def test_nothing_is_suggested_where_ray_gains_or_may_gain(resources, expected):
    assert inline_hint(resources, expected) is None


@pytest.mark.parametrize(
    "resources",
    [
        ResourceSettings(cpus_per_trial=own_cpus()),
        HALF.model_copy(update={"max_parallel": 1}),
        ResourceSettings(gpus_per_trial=1, max_parallel=1),
    ],
)
def test_one_trial_at_a_time_needs_no_ray(resources):
    assert "one trial runs at a time" in inline_hint(resources, None)
