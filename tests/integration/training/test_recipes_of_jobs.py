"""Effects of recipes on jobs: kept, scored and saved weights, and learning rates."""

import pytest
import torch

from searchctl.trainer import Sample
from searchctl.trainer.evaluation.evaluate import evaluate
from searchctl.trainer.run.job import TrialJob
from searchctl.trainer.run.preparation import prepare
from searchctl.trainer.weights.files import load_weights
from tests.jobs.small_jobs import SETTINGS, numbers

UNET = {"model": "unet", "width": 4, "lr": 1e-2}
"""A network with batch normalisation, whose statistics are averaged too."""


def scored(weights, small_scenes, params):
    """Return the scores of saved weights on the validation set."""
    settings, sample = SETTINGS.with_params(params), Sample(small_scenes, 16, 7)
    request = TrialJob(settings=settings, sample=sample, out=weights.parent)
    job = prepare(request, torch.device("cpu"))
    model = job.training.model
    model.load_state_dict(load_weights(weights).tensors)
    found, _ = evaluate(
        model, job.validation, job.precision, batch_size=settings.batch_size, stop=lambda: False
    )
    return found


def test_the_averaged_network_is_scored_kept_and_saved(run, small_scenes, tmp_path):
    params = {**UNET, "ema": 0.9, "epochs": 4}
    averaged = run(params, keep_weights=True, out=tmp_path / "averaged")
    plain = run({**params, "ema": None}, keep_weights=True, out=tmp_path / "plain")
    assert scored(averaged.weights, small_scenes, UNET) == averaged.evaluations["val"]
    assert averaged.score == averaged.evaluations["val"].miou
    # the average is only looked at: the network itself is trained in the same way
    losses = [[epoch.train_loss for epoch in result.epochs] for result in (averaged, plain)]
    assert losses[0] == losses[1]
    assert [e.val_loss for e in averaged.epochs] != [e.val_loss for e in plain.epochs]


def test_an_average_that_forgets_nearly_all_is_nearly_the_network(run):
    plain, averaged = run(UNET), run({**UNET, "ema": 1e-6})
    for ours, theirs in zip(averaged.epochs, plain.epochs, strict=True):
        assert ours.val_loss == pytest.approx(theirs.val_loss, rel=1e-3)


def test_an_average_of_many_noisy_steps_is_better_than_the_last_network(run):
    noisy = {"lr": 3e-2, "batch_size": 2, "epochs": 12}
    plain, averaged = run(noisy), run({**noisy, "ema": 0.98})
    assert averaged.epochs[-1].val_loss < plain.epochs[-1].val_loss


def test_a_gradient_that_is_never_long_enough_to_be_clipped_changes_no_bit(run):
    assert numbers(run({"clip_norm": 1e9})) == numbers(run({}))
    assert numbers(run({"clip_norm": 0.1})) != numbers(run({}))


def test_clipping_saves_a_job_that_would_diverge(run):
    steep = {"optimizer": "sgd", "lr": 1e5, "lr_schedule": "constant"}
    assert run(steep).status == "diverged"
    assert run({**steep, "clip_norm": 1e-7}).status == "complete"


def test_clipping_does_not_hide_a_divergence(run):
    result = run({"lr": 1e9, "clip_norm": 1.0})
    assert (result.status, result.score) == ("diverged", None)


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 4), (2, 2), (3, 2), (9, 1)])
def test_a_warm_up_is_counted_in_optimizer_steps(run, accumulate, steps):
    # 16 images in batches of 4; at the first of n steps, the rate is lr / (n + 1)
    params = {"lr": 1e-3, "lr_schedule": "constant", "lr_warmup": 2, "accumulate": accumulate}
    rates = [epoch.lr for epoch in run(params).epochs]
    both = 2 * steps + 1
    assert rates == pytest.approx([1e-3 / both, 1e-3 * (1 + steps) / both, 1e-3])


def test_one_cycle_ends_with_the_last_step_when_batches_are_accumulated(run):
    rates = [run({"lr_schedule": "one_cycle", "accumulate": k}).epochs[0].lr for k in (1, 3)]
    result = run({"lr_schedule": "one_cycle", "accumulate": 3, "epochs": 12})
    assert rates == pytest.approx([SETTINGS.lr / 25] * 2)
    assert result.status == "complete"  # one step too many is an error
    assert result.epochs[-1].lr < SETTINGS.lr / 10


@pytest.mark.parametrize(
    "params",
    [
        {"loss": "weighted_cross_entropy", "class_weights": "inverse_frequency"},
        {"loss": "weighted_cross_entropy", "class_weights": "effective_number"},
        {"label_smoothing": 0.3},
        {"accumulate": 2},
        {"ema": 0.5},
        {"clip_norm": 0.01},
        {"lr_warmup": 1},
        {"optimizer": "adamax"},
    ],
    ids=str,
)
def test_every_recipe_changes_the_result_of_a_job(run, params):
    found = run(params)
    assert (found.status, found.error) == ("complete", None)
    assert found.epochs[-1].val_loss != run({}).epochs[-1].val_loss
