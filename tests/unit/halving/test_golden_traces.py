"""The rule against other implementations' recorded runs; the data is not a part of the project."""

import csv
import json
from pathlib import Path

import pytest

from searchctl.orchestrator.halving.bracket import Bracket
from searchctl.orchestrator.halving.cut import cut
from searchctl.orchestrator.halving.rule import Outcome, plan_ladder, rung_counts

GOLDEN = Path(__file__).parents[4] / "shared" / "golden"
pytestmark = pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"no golden traces at {GOLDEN}")


def rows_of(name):
    with (GOLDEN / name).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("study_a_swin2_jnet_sweep.csv", (36, 18, 9, 4, 2)),
        ("study_a_unet_sweep.csv", (12, 6, 3)),
    ],
)
def test_every_survivor_set_of_the_reference_sweep_is_reproduced(name, counts):
    rungs = {}
    for row in rows_of(name):
        score = float(row.pop("val_loss"))
        rungs.setdefault(int(row.pop("sweep")), {})[tuple(row.values())] = score
    assert tuple(len(rung) for rung in rungs.values()) == counts
    trials = list(rungs[0])
    plan = plan_ladder(len(trials), 2975, eta=2, finalists=counts[-1], keep="floor")
    bracket = Bracket(plan, "minimize")
    assert tuple(rung.trials for rung in plan.rungs) == counts
    for number, scores in rungs.items():
        assert {trials[trial] for trial in bracket.waiting} == set(scores)
        for params, score in scores.items():
            bracket.record(Outcome(trials.index(params), number, score))
    assert bracket.finished


def test_counts_are_those_of_scikit_learn_with_keep_ceil():
    plans = json.loads((GOLDEN / "sklearn_1.9.1_halving_plan.json").read_text())
    for plan in plans:
        counts = rung_counts(plan["n"], eta=plan["factor"], finalists=1, keep="ceil")
        theirs = tuple(plan["n_candidates"])
        assert counts[: len(theirs)] == theirs, plan
    assert len(plans) == 180


def test_survivors_are_those_of_scikit_learn_where_there_are_no_ties():
    compared = 0
    for case in json.loads((GOLDEN / "sklearn_1.9.1_top_k.json").read_text()):
        scores, k = case["scores_higher_better"], case["k"]
        finite = [score for score in scores if score is not None]
        if len(set(finite)) < len(finite) or k > len(finite):
            continue
        decisions = cut([Outcome(i, 0, s) for i, s in enumerate(scores)], k, "maximize")
        kept = {d.trial for d in decisions if d.verdict == "promoted"}
        assert kept == set(case["kept"])
        compared += 1
    assert compared >= 5
