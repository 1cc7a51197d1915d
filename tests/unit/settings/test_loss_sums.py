"""Weighted sums of losses in a sweep.yaml."""

import pytest

from searchctl.trainer.settings.training import TrainSettings

HEAD = "name: s\ndata: {dataset: scenes}\ntraining: {loss: {cross_entropy: 1, focal: 0.5}}\n"


def test_a_weight_is_searched_by_its_dotted_name(sweep_of):
    sweep = sweep_of(HEAD + "space: {loss.focal: [0.25, 0.5]}")
    losses = [sweep.training.with_params(params).loss for params in sweep.trials()]
    assert losses == [{"cross_entropy": 1, "focal": 0.25}, {"cross_entropy": 1, "focal": 0.5}]


def test_whole_sums_are_choices_and_read_back_equal(sweep_of):
    sweep = sweep_of(HEAD + "space: {loss: [dice, {dice: 1, focal: 2}]}")
    again = type(sweep).from_json(sweep.to_json())
    assert again.trials() == sweep.trials()
    assert again.spec_hash == sweep.spec_hash
    assert hash(sweep.training.loss) == hash(again.training.loss)


@pytest.mark.parametrize(
    ("space", "problem"),
    [
        ("{loss: [{dice: 1, dicee: 1}]}", "space.loss: 'dicee' cannot be a part of a sum"),
        ("{loss: [{dice: yes}]}", "space.loss: the weight of dice must be a number, not"),
        ("{loss: [{dice: 0}]}", "space.loss: without a weight above 0 there is no loss"),
        (
            "{loss.cross_entropy: [0, 1], loss.focal: [0, 1]}",
            "sweep.yaml:4 space.loss.cross_entropy: a trial with loss.cross_entropy 0 and "
            "loss.focal 0 cannot be: without a weight above 0 there is no loss",
        ),
        ("{loss.focal: [-1, 1]}", "space.loss.focal[0]: needs weights of 0 or more"),
        ("{loss.dicee: [1, 2]}", "space.loss.dicee: 'dicee' cannot be a part of a sum"),
        ("{tversky_alpha: [0.1, 0.2]}", "is of no use with loss: {cross_entropy: 1, focal: 0.5}"),
        (
            "{loss.focal: [0, 1], focal_gamma: [1, 2]}",
            "space.focal_gamma: is of no use with loss: {cross_entropy: 1, focal: 0}",
        ),
    ],
)
def test_a_sum_that_is_none_is_refused(refused, space, problem):
    assert problem in "\n".join(refused(f"{HEAD}space: {space}"))


def test_a_weight_of_a_single_loss_is_refused_with_the_sum_to_write(refused):
    (line,) = refused("name: s\ndata: {dataset: scenes}\nspace: {loss.dice: [1, 2]}\n")
    assert "has no 'dice': write loss: {cross_entropy: 1} under training" in line


def test_options_of_losses_without_weight_are_not_used():
    used = TrainSettings(loss={"focal": 1, "tversky": 0})
    assert "focal_gamma" not in used.unused_options
    assert "tversky_alpha" in used.unused_options
