"""The wall time and the idle share of planned cohorts, compared with the simulation of orders."""

import math
import random
from dataclasses import replace
from statistics import mean

import pytest

from benchmarks.simulation import compare_orders
from benchmarks.simulation.orders import Barrier, Cohorts, ladder_of
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.halving.follow_up import NO_FOLLOW_UP
from searchctl.orchestrator.planning.cost import Span
from searchctl.orchestrator.planning.occupancy.plan_use import occupancy_of
from searchctl.orchestrator.planning.occupancy.use import Order, use_of
from searchctl.orchestrator.planning.plan import plan_sweep
from searchctl.orchestrator.terminal.plans.occupancy import occupancy_report

TRIALS, SEEDS = 144, range(6)


def simulated(cohorts, lag, costs, seed, workers=8):
    source = Cohorts(cohorts, TRIALS, lag, Barrier)
    return compare_orders.simulated(source, workers, costs, seed)


def planned(cohorts, lag, costs, seed, workers=8):
    drawn = [math.exp(random.Random(f"{seed} cost {t}").gauss(0, costs)) for t in range(TRIALS)]

    def at(rung):
        return [Span.exactly(cost * 2.0 ** round(math.log2(rung.fraction))) for cost in drawn]

    ladders = [ladder_of(TRIALS // cohorts)] * cohorts
    return use_of(Order(ladders, lag, NO_FOLLOW_UP), at, workers)


ORDERS = pytest.mark.parametrize(("cohorts", "lag"), [(1, 1), (4, 1), (4, 2)])


@ORDERS
@pytest.mark.parametrize("workers", [8, 32])
def test_with_equal_trials_and_workers_a_plan_is_within_2_percent_of_the_simulation(
    cohorts, lag, workers, monkeypatch
):
    monkeypatch.setattr(compare_orders, "SPEEDS", 0.0)
    run, plan = (which(cohorts, lag, 0.0, 0, workers) for which in (simulated, planned))
    assert plan.wall.expected == pytest.approx(run["wall"], rel=0.02)
    assert plan.idle == pytest.approx(run["idle"], abs=0.02)


@ORDERS
def test_with_other_costs_and_speeds_a_plan_is_within_a_fifth_of_the_simulation(cohorts, lag):
    """It knows neither the workers' speeds nor which trials survive."""
    runs = [simulated(cohorts, lag, 0.2, seed) for seed in SEEDS]
    plans = [planned(cohorts, lag, 0.2, seed) for seed in SEEDS]
    assert mean(each.wall.expected for each in plans) == pytest.approx(
        mean(each["wall"] for each in runs), rel=0.2
    )
    assert mean(each.idle for each in plans) == pytest.approx(
        mean(each["idle"] for each in runs), abs=0.08
    )


def sweep(**search):
    return Sweep.model_validate(
        {
            "name": "cohorts",
            "data": {"dataset": "scenes", "train": 320},
            "training": {"batch_size": 2},
            "space": {"lr": {"low": 1e-4, "high": 0.1, "log": True}},
            "search": {"method": "random", "trials": 36, "cohorts": 4, **search},
            "halving": {"min_fraction": "1/16"},
        }
    )


def occupancy(slots, **search):
    of = sweep(**search)
    return occupancy_of(of, plan_sweep(of), slots)


def test_cohorts_overlap_so_that_their_wall_time_is_less_than_the_sum():
    overlapping, sequential = occupancy(8), occupancy(8, lag=1)
    assert (overlapping.use.wall.expected, sequential.use.wall.expected) == (6.75, 10.75)
    assert overlapping.use.idle < sequential.use.idle
    assert overlapping.use.wall.known


def test_one_ladder_is_proposed_where_it_costs_the_same_and_is_faster():
    found = occupancy(32)
    assert found.instead.ladder.rungs[-1].trials == 8
    assert found.instead.use.wall.expected < found.use.wall.expected
    said = " ".join(occupancy_report(found))
    assert "With 32 trials at a time, it takes 4.2 full trainings from start to end" in said
    assert "`search: {trials: 144}` with `halving: {finalists: 8}` costs 44 full" in said


@pytest.mark.parametrize("search", [{"method": "tpe"}, {"cohorts": 1}, {"trials": [36, 18]}])
def test_no_ladder_is_proposed_where_cohorts_learn_or_differ(search):
    cohorts = {"cohorts": 2} if "trials" in search else {}
    assert occupancy(32, **cohorts, **search).instead is None


def test_no_ladder_is_proposed_where_it_saves_no_time():
    assert occupancy(1).instead is None


def test_a_sweep_of_very_many_trials_has_no_such_plan():
    assert occupancy(8, trials=600) is None
    assert occupancy(8, trials=12, cohorts=100) is None


def test_measured_times_are_written_as_times():
    found = replace(occupancy(8), measured=True)
    assert "it takes 6.8s from start to end" in next(occupancy_report(found))
    assert "all trials are equally fast" not in " ".join(occupancy_report(found))
