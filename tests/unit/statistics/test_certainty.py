"""How often a statement about the best finalist is wrong, judged by seeds that it has not seen."""

import json
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from searchctl.orchestrator.statistics.certainty import (
    SURE,
    SeedNoise,
    chances,
    noise_of_others,
    seed_noise,
)

TRUTH = Path(__file__).parents[4] / "shared/truth"
TABLES = {"t-fcn-grid": 10, "small-fcn-rand": 10, "small-unet-grid": 8}
"""Measured tables of 36 configurations on real images, and their numbers of seeds."""

# As in these tables: how qualities are spread over 36 configurations, the part of the noise that a
# seed gives all of them, and the rest.
REGIMES = {
    "grid": (lambda random, shape: random.normal(0, 0.0124, shape), 0.0079, 0.0125),
    "many poor": (lambda random, shape: -random.exponential(0.032, shape), 0.0111, 0.0140),
    "nearly equal": (lambda random, shape: random.normal(0, 0.0043, shape), 0.0110, 0.0140),
}
DESIGNS = [(2, 3, 0), (2, 4, 0), (4, 3, 0), (4, 5, 0), (2, 1, 20), (4, 1, 20)]
"""Finalists, seeds of each, and degrees of freedom of an earlier sweep, where one is used."""
FORESEEN = 0.75
"""Correlation of the score that selects the finalists with their quality."""


def statements(regime, design, count, seed=0):
    """Yield the chance that the winner is the best, and whether it is."""
    draw, shared, own = REGIMES[regime]
    finalists, seeds, freedom = design
    random = np.random.default_rng([seed, *design])
    quality = draw(random, (count, 36))
    doubt = quality.std() * np.sqrt(1 / FORESEEN**2 - 1)
    selected = np.argsort(-(quality + random.normal(0, doubt, quality.shape)))[:, :finalists]
    quality = np.take_along_axis(quality, selected, 1)
    # configurations differ in their noise, too
    own = own * np.sqrt(random.chisquare(9, (count, finalists, 1)) / 9)
    scores = quality[:, :, None] + random.normal(0, shared, (count, 1, seeds))
    scores = scores + own * random.normal(size=(count, finalists, seeds))
    earlier = np.hypot(shared, REGIMES[regime][2]) * random.normal(size=(count, freedom + 1))
    for at in range(count):
        noise = noise_of_others([earlier[at]]) if freedom else seed_noise(scores[at])
        yield stated(scores[at], noise, int(quality[at].argmax()))


def stated(scores, noise, truth):
    means = [float(np.mean(each)) for each in scores]
    found = chances(means, [len(each) for each in scores], noise, draws=500)
    winner = int(np.argmax(means))
    return found[winner], winner == truth


def check(found):
    """Of the sure statements, at most 5 % are wrong, as far as their number can show."""
    sure = [right for chance, right in found if chance >= SURE]
    wrong = len(sure) - sum(sure)
    limit = round(1 - SURE, 6)
    # one training of each is hardly ever enough to be sure
    assert not sure or stats.binomtest(wrong, len(sure), limit, alternative="greater").pvalue > 0.01
    return len(sure), wrong


def test_at_most_one_in_twenty_sure_statements_is_wrong_with_new_seeds():
    found = [
        each for regime in REGIMES for design in DESIGNS for each in statements(regime, design, 120)
    ]
    assert len(found) > 2000
    assert check(found)[0] > 20
    stated_mean = np.mean([chance for chance, _ in found])
    assert stated_mean == pytest.approx(np.mean([right for _, right in found]), abs=0.05)


@pytest.mark.exhaustive
@pytest.mark.parametrize("design", DESIGNS)
def test_that_holds_for_each_number_of_finalists_and_seeds(design):
    by_regime = {regime: list(statements(regime, design, 4000)) for regime in REGIMES}
    for regime, found in by_regime.items():
        sure = [right for chance, right in found if chance >= SURE]
        chance, right = np.mean(found, axis=0)
        print(
            f"{design} {regime}: chance {chance:.2f}, right {right:.2f}, "
            f"sure {len(sure) / len(found):.3f}, wrong {len(sure) - sum(sure)} of {len(sure)}"
        )
    sure, wrong = check([each for found in by_regime.values() for each in found])
    print(f"{design}: {wrong} of {sure} wrong")


@pytest.mark.exhaustive
@pytest.mark.skipif(not TRUTH.is_dir(), reason="measured tables are not beside the checkout")
@pytest.mark.parametrize(("finalists", "seeds"), [(2, 3), (4, 3), (4, 4)])
def test_that_holds_for_networks_that_were_trained_and_are_judged_by_their_other_seeds(
    finalists, seeds
):
    found = [
        each
        for table, count in TABLES.items()
        for each in trained(read(table, count), finalists, seeds)
    ]
    sure, wrong = check(found)
    chance, right = np.mean(found, axis=0)
    print(
        f"{finalists} x {seeds}: {len(found)} statements, chance {chance:.2f}, right {right:.2f},"
        f" sure {sure}, wrong {wrong}"
    )


def read(table, count):
    scores = defaultdict(dict)
    for seed in range(count):
        for line in (TRUTH / f"{table}-{seed}.jsonl").read_text().splitlines():
            row = json.loads(line)
            if row["kind"] in ("a", "full"):
                scores[row["d"]][seed] = np.array(row["curve"][-1])
    return scores


def trained(scores, finalists, seeds):
    everyone = set(scores[1])
    for seed in everyone:
        alive = np.arange(36)
        for share, kept in ((16, 18), (8, 9), (4, 4), (2, finalists)):
            alive = alive[np.argsort(-scores[share][seed][alive])[:kept]]
        for others in combinations(sorted(everyone - {seed}), seeds - 1):
            seen = {seed, *others}
            judged = np.mean([scores[1][each][alive] for each in everyone - seen], axis=0)
            groups = np.array([scores[1][each][alive] for each in sorted(seen)]).T
            yield stated(groups, seed_noise(groups), int(judged.argmax()))


def test_chances_add_up_and_equal_finalists_have_equal_ones():
    found = chances([0.5, 0.5, 0.5], [2, 2, 2], SeedNoise(0.01, 4, 3))
    assert sum(found) == pytest.approx(1)
    assert found == pytest.approx([1 / 3] * 3, abs=0.02)


def test_a_mean_of_more_seeds_is_trusted_more():
    few, many = (chances([0.52, 0.5], [n, n], SeedNoise(0.01, 20, 2))[0] for n in (1, 8))
    assert 0.5 < few < many < 1


def test_less_is_known_with_fewer_degrees_of_freedom():
    few, many = (chances([0.54, 0.5], [3, 3], SeedNoise(0.01, n, 2))[0] for n in (1, 50))
    assert few < SURE < many


def test_a_seed_that_changes_nothing_decides():
    assert chances([0.5, 0.4], [2, 2], SeedNoise(0.0, 2, 2)) == [1, 0]
    assert seed_noise([[0.5], [0.4]]) is None
