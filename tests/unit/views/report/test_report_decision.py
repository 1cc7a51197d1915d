"""The first sentences of a report: what won, by how much beside the seed's noise, at what cost."""

from types import SimpleNamespace

import pytest

from searchctl.orchestrator.analysis.certainty import Certainty, NotKnown, Rival
from searchctl.orchestrator.facts.baseline import Baseline
from searchctl.orchestrator.report.decision import decision_text
from searchctl.orchestrator.report.facts import Answer
from searchctl.orchestrator.statistics.certainty import SeedNoise

RIVALS = [Rival(7, 0.52, 3, 0, 0.9), Rival(3, 0.50, 3, 0, 0.1)]


def certainty(deviation):
    return Certainty(RIVALS, SeedNoise(deviation, 4, 2), "repeats", ["s"])


def text_of(known=None, gain=None, state="COMPLETE", trial=7, **values):
    baseline = known and Baseline(known, 7, "val_miou", 0.4, 2, 2, gain)
    usual = {"score": 0.52, "mean": None, "seeds": 1, "params": {"lr": 0.01}, "rung": 2}
    empty = dict.fromkeys(("test", "test_original", "median_at_start", "comparison"))
    cost = {"full_trainings": 3.0, "images": 1, "seconds": 7200.0, "gpu_seconds": 7200.0}
    facts = {**usual, **empty, **cost, "certainty": certainty(0.001), **values}
    about = SimpleNamespace(state=state, score="val_miou", trials=12)
    answer = Answer(**{"trial": trial, "baseline": baseline, **facts})
    return decision_text(SimpleNamespace(about=about, answer=answer))


def test_the_winner_and_its_gain_over_the_baseline_come_first():
    assert text_of(known=1, gain=0.12).startswith(
        "Trial 7 (lr=0.01) wins with a validation mIoU of 0.5200. It is better than the baseline "
        "(trial 1) by 0.1200; one seed moves a score by 0.0010."
    )


def test_a_baseline_with_one_seed_is_compared_with_that_seed_of_the_winner():
    baseline = Baseline(1, 7, "val_miou", 0.4, 2, 3, -0.05, one_seed=True)
    assert (
        "The best known point is trial 1, mIoU 0.4000 with one seed; with that seed the winner is "
        "worse by 0.0500."
    ) in text_of(baseline=baseline)


def test_without_a_baseline_it_is_compared_with_the_next_finalist():
    assert "better than the next finalist (trial 3) by 0.0200" in text_of()


@pytest.mark.parametrize(("deviation", "shown"), [(0.006, True), (0.008, False)])
def test_a_difference_within_the_noise_of_the_seed_is_not_shown(deviation, shown):
    text = text_of(certainty=certainty(deviation))
    assert ("No difference shown to the next finalist (trial 3): 0.0200" in text) is not shown


def test_an_unknown_noise_is_said_to_be_unknown():
    text = text_of(known=1, gain=0.12, certainty=NotKnown("one seed"))
    assert "not known (halving.repeats or searchctl calibrate measures it)" in text


def test_the_cost_is_compared_with_every_configuration_on_all_data_also_in_money():
    assert text_of().endswith(
        "2h00m of GPU time; every configuration on all data would take about 4 times that."
    )
    assert text_of(price_per_gpu_hour=2.5).endswith("4 times that, 20.00 instead of 5.00.")


def test_what_copied_jobs_took_in_other_sweeps_counts_too():
    copied = {"seconds": 3600.0, "gpu_seconds": 3600.0}
    assert "It took 3h00m of GPU time (1h00m of it in earlier sweeps" in text_of(copied=copied)
    own = {"seconds": 0.0, "gpu_seconds": 0.0}
    text = text_of(**own, copied={"seconds": 60.0, "gpu_seconds": 0.0})
    assert "It took 1m00s of jobs (1m00s of it in earlier" in text


def test_a_running_sweep_has_a_best_trial_so_far():
    text = text_of(state="RUNNING", price_per_gpu_hour=2.5)
    assert "is the best so far with a validation mIoU of 0.5200 at rung 2." in text
    assert text.endswith("It took 2h00m of GPU time so far, 5.00.")
    assert decision_text(SimpleNamespace(answer=None)) == ""
