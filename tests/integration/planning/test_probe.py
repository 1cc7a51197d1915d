"""Probes of tiny networks on drawn scenes, with the trainer's own loop."""

from pathlib import Path

import pytest
import torch

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.own_code.collect import Collected
from searchctl.orchestrator.planning.estimate import Measured
from searchctl.orchestrator.planning.probing import probe as probing
from searchctl.orchestrator.planning.probing.estimating import estimate_apart, estimate_sweep
from searchctl.orchestrator.planning.probing.probe import evenly, probe
from searchctl.trainer.models.build import build_model
from searchctl.trainer.settings.batch import Batch

DATA = {"dataset": "scenes", "image_size": [24, 32], "train": 16, "val": 6, "test": 4}


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Time each configuration for a fraction of a second."""
    monkeypatch.setattr(probing, "LONGEST", 0.2)


def sweep_of(space, **sections):
    training = {"width": 4, "batch_size": 4, "epochs": 3, "threads": 1}
    return Sweep.model_validate(
        {"name": "probed", "data": DATA, "training": training, "space": space, **sections}
    )


@pytest.fixture(scope="module")
def found():
    """Two networks of very different size, each at two learning rates."""
    space = {"model": ["simple_fcn", "unet"], "lr": [1e9, 0.1]}
    return estimate_sweep(sweep_of(space, resources={"max_parallel": 1}))


def test_every_distinct_network_is_timed_once(found):
    assert [(each.params, each.trials) for each in found.probe.classes] == [
        ({"model": "simple_fcn"}, (0, 1)),
        ({"model": "unet"}, (2, 3)),
    ]
    assert all(each.measured for each in found.probe.classes)


def test_the_larger_network_takes_longer_for_an_image_and_more_disk(found):
    small, large = (each.speed for each in found.probe.classes)
    assert 0 < small.train.low <= small.train.expected <= small.train.high
    assert small.train.expected < large.train.expected
    assert small.score.expected < large.score.expected
    assert small.checkpoint_bytes < large.checkpoint_bytes


def test_bytes_are_those_of_the_real_network(found):
    _, large = (each.speed for each in found.probe.classes)
    model = build_model(sweep_of({"model": ["unet"]}).training.with_params({"model": "unet"}), 11)
    weights = 4 * sum(value.numel() for value in model.state_dict().values())
    assert large.weights_bytes == pytest.approx(weights, rel=0.1)
    assert large.checkpoint_bytes == pytest.approx(4 * weights, rel=0.2)


def test_one_trial_at_a_time_takes_as_long_as_all_jobs(found):
    expected = found.forecast
    assert expected.wall.high == pytest.approx(expected.jobs.high)
    assert expected.jobs.low <= expected.jobs.expected <= expected.jobs.high
    assert expected.hours.expected == pytest.approx(expected.jobs.expected / 3600)


def test_the_jobs_of_the_first_rung_are_the_sum_of_its_trials(found):
    rung, sizes = found.plan.ladder.rungs[0], found.probe.sizes
    by_hand = sum(
        speed.start
        + 3 * rung.images * speed.train.expected
        + (2 * sizes.val + rung.images) * speed.score.expected  # the last two epochs are scored
        for speed in found.probe.speeds
    )
    assert found.forecast.stages[0].jobs.expected == pytest.approx(by_hand)


def test_measurements_can_be_stored(found):
    stored = found.to_json()
    assert Measured.from_json(stored) == Measured(found.probe, found.forecast)
    assert stored["forecast"]["total"]["wall"]["expected"] == found.forecast.wall.expected


def test_many_networks_are_timed_at_even_steps_of_their_flops(monkeypatch):
    monkeypatch.setattr(probing, "PROBED", 3)
    classes = probe(sweep_of({"width": [16, 2, 8, 4, 12]})).classes
    assert [each.params["width"] for each in classes] == [2, 4, 8, 12, 16]
    assert [each.measured for each in classes] == [True, False, True, False, True]
    assert classes[1].speed == classes[0].speed


def test_the_slowest_and_the_fastest_are_always_among_the_timed():
    assert evenly(100, 8)[0] == 0
    assert evenly(100, 8)[-1] == 99
    assert len(set(evenly(9, 8))) == 8


def test_gpus_that_are_not_there_are_requested():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    sweep = sweep_of({"lr": [0.1, 0.2]}, resources={"gpus_per_trial": 1})
    with pytest.raises(SearchctlError, match="this machine has none: probe on the machine"):
        estimate_sweep(sweep, gpus=4)


def test_a_network_that_cannot_be_built_is_named():
    sweep = sweep_of({"points": [{"model": "unet"}, {"model": "upernet", "encoder": "x"}]})
    with pytest.raises(SearchctlError, match=r"model=upernet fails on this machine: .*encoder"):
        probe(sweep)


def test_insufficient_memory_is_reported_with_its_configuration():
    with pytest.raises(
        SearchctlError, match=r"width=1000000000000 fails on this machine: .*memory"
    ):
        probe(sweep_of({"width": [4, 10**12]}))


def test_a_probe_in_a_process_of_its_own_finds_the_same_trials():
    apart = estimate_apart(sweep_of({"lr": [0.1, 0.2]}), Collected(Path.cwd(), {}), one_by_one=True)
    assert [each.trials for each in apart.probe.classes] == [(0, 1)]
    assert apart.forecast.fleet.parallel == 1


class TakesTwoImages(torch.nn.Conv2d):
    """Runs out of memory with more than two images."""

    def __init__(self, classes):
        super().__init__(3, classes, 1)

    def forward(self, images):
        if len(images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(images)


def test_a_batch_that_does_not_fit_is_measured_with_half_of_it():
    model = f"{__name__}:TakesTwoImages"
    (found,) = probe(
        sweep_of({"lr": [0.1, 0.2]}, training={"model": model, "batch_size": 4})
    ).classes
    assert found.batch == Batch(2, 2)
    assert found.measured
