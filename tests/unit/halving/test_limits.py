"""Limits on what is measured: which are exceeded, and what a cut makes of it."""

import pytest
from pydantic import ValidationError

from searchctl.orchestrator.config.sections.halving import LimitSettings
from searchctl.orchestrator.driver.budget import Target
from searchctl.orchestrator.driver.measured import Measured, subject_of
from searchctl.orchestrator.halving.closed import ClosedCohort
from searchctl.orchestrator.halving.cut import cut
from searchctl.orchestrator.halving.follow_up import FollowUpSettings, final_winner, follow_up_jobs
from searchctl.orchestrator.halving.limits import exceeded, limits_of
from searchctl.orchestrator.halving.rule import Outcome
from searchctl.orchestrator.halving.winner import standings
from searchctl.orchestrator.storage.measurements import Measurement
from searchctl.searchspace import Params

SLOW = "latency 31 ms > 20 ms"


def outcomes(scores, slow=(), rung=0):
    return [Outcome(n, rung, score, violation=SLOW * (n in slow)) for n, score in enumerate(scores)]


def verdicts(decisions):
    return [(d.trial, d.verdict) for d in decisions]


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ({"latency_ms": 20, "memory_gb": 10}, ""),
        ({"latency_ms": 31, "memory_gb": 4}, SLOW),
        ({"latency_ms": 20.0001, "memory_gb": 4}, "latency 20.0001 ms > 20 ms"),
        ({"latency_ms": 31, "memory_gb": 12.34}, f"{SLOW}, memory 12.3 GB > 10 GB"),
        ({"latency_ms": 5}, "memory not measured (limit 10 GB)"),
    ],
)
def test_the_limits_that_are_exceeded_are_named(measured, expected):
    assert exceeded({"latency_ms": 20, "memory_gb": 10}, measured) == expected


def test_a_sweep_without_limits_has_none():
    assert limits_of({}) == limits_of({"halving": {"limits": None}}) == {}
    given = {"latency_ms": None, "memory_gb": 10}
    assert limits_of({"halving": {"limits": given}}) == {"memory_gb": 10}


@pytest.mark.parametrize("bad", [{}, {"latency_ms": 0}, {"memory_gb": -1}, {"latency": 20}])
def test_limits_are_positive_and_known(bad):
    with pytest.raises(ValidationError):
        LimitSettings.model_validate(bad)


def test_a_trial_that_exceeds_a_limit_is_ranked_below_all_others():
    decisions = cut(outcomes([0.9, 0.1, 0.5, 0.3], slow={0}), 2, "maximize")
    assert verdicts(decisions) == [
        (2, "promoted"),
        (3, "promoted"),
        (1, "pruned"),
        (0, "pruned"),
    ]
    worst = decisions[-1]
    assert worst.reason == f"rank 4 of 4, 2 kept; ranked below all within the limits: {SLOW}"
    assert (worst.violation, worst.margin) == (SLOW, None)
    assert decisions[0].margin == pytest.approx(0.4)


def test_it_climbs_only_to_a_place_that_no_other_takes():
    decisions = cut(outcomes([0.9, 0.1, 0.5, 0.3], slow={0, 2, 3}), 2, "maximize")
    assert verdicts(decisions)[:2] == [(1, "promoted"), (0, "promoted")]
    all_slow = cut(outcomes([0.1, 0.9], slow={0, 1}), 1, "maximize")
    assert verdicts(all_slow) == [(1, "promoted"), (0, "pruned")]
    assert all_slow[0].margin == pytest.approx(0.8)


def test_a_known_point_that_exceeds_a_limit_is_kept_without_taking_a_place():
    decisions = cut(outcomes([0.9, 0.1, 0.5, 0.3], slow={0}), 3, "maximize", protected={0})
    assert verdicts(decisions)[:2] == [(2, "promoted"), (3, "promoted")]
    assert (decisions[-1].verdict, decisions[-1].spared) == ("promoted", True)


def test_a_trial_without_a_score_names_no_limit():
    decisions = cut([Outcome(0, 0, None, violation=SLOW), Outcome(1, 0, 0.5)], 1, "maximize")
    assert [d.violation for d in decisions] == ["", ""]


def cohort(scores, slow=(), first=0, finalists=2):
    last = [
        Outcome(first + n, 1, score, violation=SLOW * (n in slow)) for n, score in enumerate(scores)
    ]
    return ClosedCohort(cut(last, None, "maximize"), 1, finalists)


def test_the_winner_of_all_cohorts_is_within_the_limits():
    cohorts = [cohort([0.9, 0.8], slow={0, 1}), cohort([0.4, 0.3], first=2)]
    assert final_winner(cohorts, {}, FollowUpSettings(), "maximize") == 2
    repeats = follow_up_jobs(cohorts, FollowUpSettings(repeats=2), "maximize")
    assert [key.trial for key in repeats] == [2, 3]


def test_the_best_mean_wins_only_within_the_limits():
    means = {(0, 1): 0.9, (1, 1): 0.2}
    mean = {"seeds": 2, "choose": "mean", "direction": "maximize"}
    ranked = [(1, 0.3), (0, 0.9)]
    assert [each.trial for each in standings(ranked, means, violating={0}, **mean)] == [1, 0]
    settings = FollowUpSettings(repeats=2, choose="mean")
    assert final_winner([cohort([0.9, 0.3], slow={0})], means, settings, "maximize") == 1


def test_what_a_limit_dropped_is_not_audited():
    dropped = cut(outcomes([0.9, 0.5, 0.3, 0.1], slow={0}), 1, "maximize")
    closed = ClosedCohort([*dropped, *cut([Outcome(1, 1, 0.6)], None, "maximize")], 1, 1)
    jobs = follow_up_jobs([closed], FollowUpSettings(audit=3), "maximize")
    assert sorted(key.trial for key in jobs) == [1, 2, 3]


def test_a_target_is_not_reached_by_a_trial_that_exceeds_a_limit():
    assert Target(0.5, "maximize").reached(cut(outcomes([0.9], slow={0}), None, "maximize")) is None


NETWORKS = {
    0: Params({"model": "unet", "batch_size": 8, "lr": 0.1}),
    1: Params({"model": "unet", "batch_size": 4, "lr": 0.1}),
    2: Params({"model": "unet", "batch_size": 4, "lr": 0.2}),
    3: Params({"model": "simple_fcn", "batch_size": 4, "lr": 0.2}),
}


def test_latency_is_of_the_network_and_memory_of_all_that_changes_the_speed():
    latency = [subject_of("latency_ms", params) for params in NETWORKS.values()]
    assert (latency[0], latency[0]) == (latency[1], latency[2])
    assert latency[3] != latency[0]
    other_code = Params({**NETWORKS[0], "tf32": False})
    assert subject_of("latency_ms", other_code) != latency[0]
    memory = [subject_of("memory_gb", params) for params in NETWORKS.values()]
    assert memory[1] == memory[2]
    assert len(set(memory)) == 3


def test_the_first_value_of_a_network_and_its_hardware_counts():
    subject = subject_of("latency_ms", NETWORKS[0])
    first = Measurement("latency_ms", subject, "fast", 31.0, trial=2, rung=0)
    measured = Measured({"latency_ms": 20}, NETWORKS, [first])
    measured.learn([Measurement("latency_ms", subject, "fast", 5.0, trial=0, rung=0)])
    assert measured.violation(1, "fast") == SLOW
    assert measured.latency_known_on(1) == ("fast",)
    assert measured.latency_known_on(3) == ()
    assert Measured({"memory_gb": 10}, NETWORKS).latency_known_on(0) is None
