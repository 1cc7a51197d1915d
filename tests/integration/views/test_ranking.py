"""The order of the answer: the highest rung first, and in it by rank."""

import pytest

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.trainer.core.results import JobResult


def test_finalists_come_first_then_those_who_came_near(sweeps):
    prepared, row = sweeps.launch()
    ranked = rank_trials(prepared.engine, row)
    assert [(r.rank, r.trial, r.rung) for r in ranked] == [
        (1, 5, 2),
        (2, 2, 2),
        (3, 7, 1),
        (4, 4, 1),
        (5, 1, 0),
        (6, 6, 0),
        (7, 3, 0),
        (8, 0, 0),
    ]


def test_top_keeps_the_first_ones(sweeps):
    prepared, row = sweeps.launch()
    assert [r.trial for r in rank_trials(prepared.engine, row, top=3)] == [5, 2, 7]


def test_a_ranked_trial_has_the_facts_of_its_highest_rung(sweeps):
    prepared, row = sweeps.launch()
    best = rank_trials(prepared.engine, row, top=1)[0]
    assert best.score == pytest.approx(0.82)
    assert (best.images, best.kept_epoch, best.trainable_parameters) == (32, 1, 7)
    assert best.weights.endswith("model.safetensors")
    assert best.params == dict(prepared.sweep.trials()[5])
    assert best.test_miou is None  # the quick runner scores the validation set only


def test_a_score_to_minimize_puts_the_lowest_first(sweeps):
    prepared, row = sweeps.launch(halving={"score": "val_loss"})
    assert [r.trial for r in rank_trials(prepared.engine, row, top=2)] == [0, 3]


def test_a_trial_that_diverges_on_a_later_rung_keeps_its_rank_of_the_rung_below(
    sweeps, quick_runner
):
    def diverges_late(job, on_epoch, stop):
        if job.trial == 5 and job.rung == 1:
            return JobResult("diverged", None)
        return quick_runner(job, on_epoch, stop)

    prepared, row = sweeps.launch(diverges_late)
    ranked = rank_trials(prepared.engine, row)
    assert [(r.trial, r.rung) for r in ranked[:4]] == [(2, 2), (7, 2), (4, 1), (5, 0)]


def test_before_the_first_rung_is_closed_nothing_is_ranked(sweeps):
    prepared = sweeps.prepare()
    with pytest.raises(SearchctlError, match="nothing is ranked in sweep"):
        rank_trials(prepared.engine, prepared.row)
