"""Strategies and their judge on tables that are small enough to work out by hand."""

import json
import random

import pytest

from benchmarks.ladder.choices import Choice, survivors
from benchmarks.ladder.judge import by_seed, others, paired, regret
from benchmarks.ladder.page import ANALYSIS, PAGE, PICTURES, filled, pictures
from benchmarks.ladder.ranks import correlation
from benchmarks.ladder.strategies import (
    asha,
    hyperband,
    ladder,
    plan,
    prefixes,
    random_search,
    repeated,
)
from benchmarks.ladder.tables import Run, Table
from benchmarks.ladder.tpe import tpe

# (seed, images) -> the two validations of each trial. Trial 3 is the best on all images with both
# seeds; with seed 1 the second cut drops it.
SCORES = {
    (0, 2): [(0.1, 0.4), (0.1, 0.3), (0.1, 0.2), (0.25, 0.35)],
    (0, 4): [(0.1, 0.5), (0.4, 0.4), (0.1, 0.3), (0.1, 0.6)],
    (0, 8): [(0.2, 0.5), (0.3, 0.6), (0.3, 0.4), (0.1, 0.9)],
    (1, 2): [(0.1, 0.1), (0.1, 0.2), (0.1, 0.3), (0.1, 0.4)],
    (1, 4): [(0.1, 0.1), (0.1, 0.2), (0.1, 0.5), (0.1, 0.4)],
    (1, 8): [(0.1, 0.4), (0.1, 0.6), (0.1, 0.7), (0.1, 0.8)],
}
ONE = {"finalists": 1}


@pytest.fixture
def table():
    curves = {
        (seed, images, trial): curve
        for (seed, images), rows in SCORES.items()
        for trial, curve in enumerate(rows)
    }
    params = tuple({"lr": lr, "dropout": dropout} for lr in (1, 2) for dropout in (0, 0.1))
    return Table(params, (2, 4, 8), validation=2, epochs=2, batch_size=1, curves=curves, about={})


def test_ladder_is_the_products_rule_on_the_tables_scores(table):
    rungs = plan(table, **ONE)
    assert [(rung.trials, rung.images) for rung in rungs.rungs] == [(4, 2), (2, 4), (1, 8)]
    assert survivors(Run.of(table, 0), rungs) == [[0, 1, 2, 3], [0, 3], [3], [3]]
    assert survivors(Run.of(table, 1), rungs) == [[0, 1, 2, 3], [3, 2], [2], [2]]


def test_cost_counts_a_training_image_three_times_and_each_validation(table):
    # 4 x (3 x 2 + 2) + 2 x (3 x 4 + 2) + 3 x 8 + 2 in each of the two epochs
    assert ladder(Run.of(table, 0), **ONE).cost == 2 * (32 + 28 + 26)
    # one validation fewer in each of the six jobs below the last rung
    assert ladder(Run.of(table, 0), last=1, **ONE).cost == 2 * (32 + 28 + 26) - 6 * 2


def test_choice_is_judged_by_the_seeds_that_did_not_make_it(table):
    choice = ladder(Run.of(table, 1), **ONE)
    assert (choice.odds, others(table, choice.seeds)) == ({2: 1.0}, [0])
    assert regret(table, choice) == pytest.approx(0.9 - 0.4)
    best = Choice({3: 1.0}, 0, choice.seeds)
    assert paired(table, choice, best) == pytest.approx(0.5)


def test_choice_that_has_seen_every_seed_cannot_be_judged(table):
    with pytest.raises(ValueError, match="no seed is left"):
        regret(table, repeated(Run.of(table, 0), finalists=1, repeats=2))


def test_random_search_has_the_exact_odds_of_a_draw_without_replacement(table):
    choice = random_search(Run.of(table, 0), 2)
    # ranked 3, 1, 0, 2: the best of two of four
    assert choice.odds == pytest.approx({3: 1 / 2, 1: 1 / 3, 0: 1 / 6})
    assert random_search(Run.of(table, 0), 4).odds == {3: 1.0}


def test_only_the_last_validations_rank_if_only_they_were_made(table):
    run = Run.of(table, 0)
    assert run.score(1, 4) == 0.4
    assert run.score(0, 8, last=1) == 0.5
    assert run.score(3, 8, last=2) == run.score(3, 8) == 0.9


def test_prefixes_rank_by_the_first_epochs_of_the_full_training(table):
    choice = prefixes(Run.of(table, 0), finalists=1)
    # after one epoch trials 1 and 2 lead trials 0 and 3: one is kept, and its second epoch is paid
    assert choice.odds == {1: 1.0}
    assert choice.cost == 4 * (24 + 2) + 1 * (24 + 2)


@pytest.mark.parametrize("strategy", [hyperband, asha, lambda run, rng: tpe(run)])
def test_strategies_that_draw_choose_among_what_they_trained_on_all_images(table, strategy):
    run = Run.of(table, 0)
    choice = strategy(run, random.Random(0))
    assert sum(choice.odds.values()) == pytest.approx(1)
    assert table.cost(8) <= choice.cost <= 4 * sum(map(table.cost, table.images))


def test_asha_with_one_worker_promotes_as_soon_as_a_half_is_known(table):
    # in the order 3, 1, 0, 2: 3 is promoted after 1, 0 after itself, and then 3 to all images
    choice = asha(Run.of(table, 0), random.Random(0), workers=1)
    assert choice.odds == {3: 1.0}
    assert choice.cost == 4 * table.cost(2) + 2 * table.cost(4) + table.cost(8)


def test_equal_values_share_their_mean_rank():
    assert correlation([1, 2, 2, 3], [1, 2, 2, 3]) == pytest.approx(1)
    assert correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert correlation([1, 1, 1], [1, 2, 3]) == 0


def test_standard_error_is_over_seeds_not_over_runs():
    estimate = by_seed([(0, 1.0), (0, 3.0), (1, 4.0), (1, 4.0)])
    assert (estimate.mean, estimate.error, estimate.seeds) == (3.0, pytest.approx(1.0), 2)


def test_the_evidence_page_holds_the_numbers_and_pictures_of_the_analysis():
    found = json.loads(ANALYSIS.read_text())
    assert PAGE.read_text() == filled(PAGE.read_text(), found)
    for name, picture in pictures(found).items():
        assert (PICTURES / name).read_text() == picture
