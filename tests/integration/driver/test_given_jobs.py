"""Inputs of a job: earlier attempts, weights of the rung below, a directory of its own."""

import pytest

from tests.jobs.unlucky import Died, LosingExecutor, dies_at, out_of_memory


def test_an_attempt_may_continue_from_all_earlier_ones_the_newest_first(
    sweeps, quick_runner, monkeypatch
):
    monkeypatch.setattr("searchctl.orchestrator.driver.attempts.BACK_OFF_S", (0.0,))
    issued = []

    def noting(job, on_epoch, stop):
        if (job.trial, job.rung) == (2, 0):
            issued.append(job)
        return out_of_memory(quick_runner, len(issued) < 4, 2)(job, on_epoch, stop)

    sweeps.launch(noting, resources={"max_attempts": 9}, executor=None)
    assert [len(job.resume_from) for job in issued] == [0, 1, 2, 3]
    assert issued[3].resume_from == tuple(job.out for job in reversed(issued[:3]))


def test_warm_hands_the_weights_of_the_rung_below_to_the_next_job(sweeps, quick_runner):
    given = {}

    def noting(job, on_epoch, stop):
        given[job.trial, job.rung] = job
        return quick_runner(job, on_epoch, stop)

    with pytest.raises(Died):  # in the third job of rung 1: what is given must survive a resume
        sweeps.launch(dies_at(noting, 10), halving={"continue": "warm"})
    sweeps.resume(noting)
    assert {job.init_from for (_, rung), job in given.items() if rung == 0} == {None}
    for (trial, rung), job in given.items():
        assert job.keep_weights
        if rung:
            assert job.init_from == given[trial, rung - 1].out / "model.safetensors"


def test_retrain_starts_from_scratch_and_keeps_finalists_weights_only(sweeps, quick_runner):
    seen = []
    sweeps.launch(lambda job, on_epoch, stop: seen.append(job) or quick_runner(job, on_epoch, stop))
    assert {job.init_from for job in seen} == {None}
    assert {(job.rung, job.keep_weights, job.final) for job in seen} == {
        (0, False, False),
        (1, False, False),
        (2, True, True),
    }


def test_every_attempt_has_a_directory_of_its_own(sweeps, quick_runner):
    places = []

    def noting(job, on_epoch, stop):
        places.append(job.out)
        return quick_runner(job, on_epoch, stop)

    executor = LosingExecutor(noting, {})
    sweeps.launch(executor=executor)
    assert len(set(places)) == len(places) == 14
    assert all(place.is_relative_to(sweeps.folder / "runs" / "quick") for place in places)
