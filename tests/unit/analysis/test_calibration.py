"""Calibrations of tables of scores with a known answer."""

from fractions import Fraction

import numpy as np
import pytest

from searchctl.orchestrator.calibration.answer import calibrated
from searchctl.orchestrator.calibration.ladders import Choice
from searchctl.orchestrator.calibration.options import LadderSettings, choices
from searchctl.orchestrator.calibration.sweeps import calibration_sweeps
from searchctl.orchestrator.calibration.table import Measured, ScoreTable
from searchctl.orchestrator.calibration.time import (
    RecordedSpeed,
    seconds_of_jobs,
    speed_key,
    times_first_job,
)
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.terminal.plans.calibration import recorded_time, unknown_time

FRACTIONS = tuple(Fraction(1, below) for below in (16, 8, 4, 2, 1))
BEST_FIRST = np.linspace(1, 0, 8)
LADDERS = choices(LadderSettings(36, 2976, 8, eta=2, finalists=2), FRACTIONS)


def table(*rungs, seeds=3):
    """Return the same scores on each rung with every seed; on the last ones those of the last."""
    scores = [*rungs, *[rungs[-1]] * (len(FRACTIONS) - len(rungs))]
    return ScoreTable(FRACTIONS, np.array([scores] * seeds))


def ladder_of(loss):
    return loss.choice.eta, loss.lowest, loss.choice.finalists


def test_rungs_that_agree_lose_nothing():
    found = calibrated(table(BEST_FIRST), LADDERS)
    assert [rung.correlation.value for rung in found.rungs] == pytest.approx([1] * 5)
    assert [(rung.survived, rung.seeds) for rung in found.rungs] == [(3, 3)] * 5
    assert {loss.loss.value for loss in (found.yours, *found.others)} == {0}
    assert (found.proposed, found.lowest_trusted) == (found.yours, found.rungs[0])
    assert found.as_good[0].choice.full_trainings == Fraction(13, 2)  # eta 4


def test_a_rung_that_ranks_in_reverse_is_shown_and_left_out():
    found = calibrated(table(-BEST_FIRST, BEST_FIRST), LADDERS)
    assert found.rungs[0].correlation.value == pytest.approx(-1)
    assert found.rungs[0].lost.value == pytest.approx(2)
    assert found.rungs[0].lost.shown
    assert (found.rungs[0].survived, found.lowest_trusted) == (0, found.rungs[1])
    assert found.yours.loss.value == pytest.approx(4 / 7)  # the best of the worse half is chosen
    assert ladder_of(found.proposed) == (2, Fraction(1, 8), 2)
    assert found.proposed.against_yours.value == pytest.approx(-4 / 7)


def test_a_choice_is_judged_by_the_seeds_that_did_not_make_it():
    reversed_with_the_second = [[BEST_FIRST] * 5, [BEST_FIRST[::-1]] * 5]
    found = calibrated(ScoreTable(FRACTIONS, np.array(reversed_with_the_second)), LADDERS)
    assert found.rungs[-1].correlation.value == pytest.approx(-1)
    assert {loss.loss.value for loss in (found.yours, *found.others)} == {1}
    assert found.lowest_trusted is None


def test_of_scores_by_chance_nothing_is_shown():
    noise = np.random.default_rng(1).normal(size=(3, 5, 8))
    found = calibrated(ScoreTable(FRACTIONS, noise), LADDERS)
    assert not any(loss.against_yours.shown for loss in found.others)
    assert (found.proposed, found.lowest_trusted) == (found.yours, None)


def test_of_several_comparisons_each_has_to_show_more():
    assert Measured(2.1, 1, compared=1).shown
    assert not Measured(2.1, 1, compared=5).shown
    assert not Measured(1e-17, 0, compared=1).shown


@pytest.mark.parametrize(
    ("eta", "finalists", "rungs", "counts"),
    [
        (2, 2, (0, 1, 2, 3, 4), [8, 4, 2, 2, 2]),
        (4, 1, (0, 2, 4), [8, 2, 1]),
        (2, 2, (3, 4), [8, 2]),
        (2, 36, (4,), [8]),
    ],
)
def test_the_drawn_configurations_climb_a_ladder_alone(eta, finalists, rungs, counts):
    assert Choice(eta, finalists, rungs, Fraction(0)).counts(8) == counts


def test_ladders_differ_in_one_setting_and_have_measured_rungs_only():
    assert [
        (c.eta, FRACTIONS[c.rungs[0]], c.finalists, float(c.full_trainings)) for c in LADDERS
    ] == [
        (2, Fraction(1, 16), 2, 10.75),
        (4, Fraction(1, 16), 2, 6.5),
        (2, Fraction(1, 8), 2, 15.5),
        (2, Fraction(1, 4), 2, 20),
        (2, Fraction(1, 2), 2, 20),
        (2, Fraction(1, 16), 1, 9.75),
        (2, Fraction(1, 8), 4, 17.5),
        (2, Fraction(1), 36, 36),
    ]


SWEEP = """\
    name: mine
    seed: 7
    data: {dataset: scenes, train: %d, val: 4}
    training: {batch_size: 2, epochs: 4}
    space: {model: [simple_fcn, unet], lr: %s, dropout: {values: [0, 0.1], when: {model: unet}}}
    hooks: {sweep_finished: "true"}
    """


def test_its_sweeps_train_trials_of_the_user_s_on_each_rung_of_the_ladder(sweep_of):
    sweep = sweep_of(SWEEP % (32, "[0.1, 0.01, 0.001]"))
    found = calibration_sweeps(sweep, trials=5, seeds=3)
    first, second, third = found.sweeps
    trials = sweep.trials()
    assert first.trials() == tuple(trials[number] for number in found.trials)
    assert first.trials() == second.trials() == third.trials()
    assert first.seed == 7 != second.seed != third.seed
    assert len({each.name for each in found.sweeps}) == 3
    assert first.hooks.sweep_finished is None
    ladder = found.plans[0].ladder
    mine = [(rung.fraction, rung.images) for rung in found.plan.ladder.rungs]
    assert [(rung.fraction, rung.images) for rung in ladder.rungs] == mine
    assert {rung.trials for rung in ladder.rungs} == {5}
    assert found.full_trainings == 3 * 5 * sum(rung.fraction for rung in ladder.rungs)


def test_another_space_is_calibrated_by_sweeps_of_other_names(sweep_of):
    names = set()
    for rates in ("[0.1, 0.01, 0.001]", "[0.1, 0.02, 0.001]"):
        sweep = sweep_of(SWEEP % (32, rates))
        found = calibration_sweeps(sweep, trials=9, seeds=2)
        names |= {each.name for each in found.sweeps}
    assert len(names) == 4


@pytest.mark.parametrize(
    ("images", "rates", "problem"),
    [
        (32, "[0.1]", "'mine' has 3 trials: a calibration compares 4"),
        (2, "[0.1, 0.01]", "has one rung, on all 2 images .*merged.*no smaller sample to judge"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_before_it_costs(sweep_of, images, rates, problem):
    with pytest.raises(SearchctlError, match=problem):
        calibration_sweeps(sweep_of(SWEEP % (images, rates)), trials=8, seeds=2)


def test_its_time_follows_from_the_speed_of_earlier_jobs_or_from_the_first_job(sweep_of):
    """Two networks of two speeds; four images of validation count as 4/3 of a training image."""
    sweep = sweep_of(
        "name: a\ndata: {dataset: scenes, train: 16, val: 4, test: 2}\n"
        "training: {batch_size: 2, epochs: 4, validate: {last: 1}}\n"
        "space: {lr: [0.1, 0.01, 0.001], width: [4, 8]}\nhalving: {fractions: [1/2, 1]}\n"
    )
    found = calibration_sweeps(sweep, trials=6, seeds=2)
    first = found.sweeps[0]
    keys = {speed_key(first, params): params["width"] for params in first.trials()}
    assert sorted(keys.values()) == [4, 8]
    per_image = {key: width / 1000 for key, width in keys.items()}
    speed = RecordedSpeed("cpu", 9, per_image, dict.fromkeys(keys, 0.5))
    small, large = 4 * 8 + 4 / 3, 4 * 16 + 4 / 3
    expected = 12 * 0.5 + 3 * (small + large) * (4 + 8) / 1000
    assert seconds_of_jobs(first, found.plans[0], speed) == pytest.approx(expected)
    assert times_first_job(found) == pytest.approx(6 * (small + large) / small)


@pytest.mark.parametrize(
    ("slots", "said"),
    [
        (1, "Time: about 10m00s, at the speed of 36 earlier jobs on a CPU."),
        (2, "Time: about 5m00s with 2 at a time, at the speed of 36 earlier jobs on a CPU."),
        (None, "Time: about 10m00s of jobs in all, at the speed of 36 earlier jobs on a CPU."),
    ],
)
def test_the_time_is_said_for_the_jobs_that_run_at_once(slots, said):
    assert recorded_time(600, slots, RecordedSpeed("a CPU", 36, {}, {})) == said


def test_an_unknown_time_is_said_as_multiples_of_the_first_job():
    said = unknown_time(48.2, 2, by_script=False)
    assert "about 48 times as long as it, or 24 times with 2 at a time. --probe" in said
    assert "probe" not in unknown_time(48.2, None, by_script=True)
