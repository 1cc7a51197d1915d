import pytest

from searchctl.orchestrator.config.sections.resources import ResourceSettings
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.planning import capacity
from searchctl.orchestrator.planning.capacity import capacity_of


@pytest.mark.parametrize(
    ("per_trial", "gpus", "most", "parallel"),
    [
        (1, 4, None, 4),
        (1, 4, 3, 3),
        (1, 8, "50%", 4),
        (1, 1, "10%", 1),
        (2, 5, None, 2),
        (0.5, 3, None, 6),
        (0.3, 2, None, 6),
    ],
)
def test_the_gpus_limit_the_number_of_parallel_trials(per_trial, gpus, most, parallel):
    resources = ResourceSettings(gpus_per_trial=per_trial, max_parallel=most)
    fleet = capacity_of(resources, gpus=gpus)
    assert (fleet.parallel, fleet.gpus) == (parallel, gpus)


def test_this_machine_s_gpus_count_where_none_are_named():
    resources = ResourceSettings(gpus_per_trial=0.25, cpus_per_trial=0.01)
    assert capacity_of(resources, gpus_here=lambda: 2).parallel == 8


def test_trials_without_gpus_share_this_machine_s_cpus(monkeypatch):
    monkeypatch.setattr(capacity, "own_cpus", lambda: 6)
    assert capacity_of(ResourceSettings(cpus_per_trial=2)).parallel == 3
    assert capacity_of(ResourceSettings(cpus_per_trial=1, max_parallel=4)).parallel == 4


@pytest.mark.parametrize(
    "resources", [{"gpus_per_trial": 1}, {"cpus_per_trial": 100_000}], ids=lambda each: str(each)
)
def test_a_trial_that_does_not_fit_is_refused(resources):
    with pytest.raises(SearchctlError, match=r"a trial needs .*--gpus"):
        capacity_of(ResourceSettings(**resources))


@pytest.mark.parametrize("limit", [0, -1, "half", "0%", "101%", "4", 1.5, True])
def test_a_limit_is_a_whole_number_or_a_share(limit):
    with pytest.raises(ValueError, match="neither a whole number from 1 nor a share"):
        ResourceSettings(max_parallel=limit)
