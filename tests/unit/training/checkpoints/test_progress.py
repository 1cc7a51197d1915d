from dataclasses import replace

import numpy as np
import torch

from searchctl.trainer.core.results import EpochRecord, Evaluation, ImageCounts
from searchctl.trainer.run.progress import Kept, TrainingProgress
from searchctl.trainer.settings.training import TrainSettings

NETWORK = {"weight": torch.ones(2)}
COUNTS = ImageCounts(np.array([[[2**32 - 1]]], np.uint32), np.array([0.1]), np.array([2**40]))
EVALUATION = Evaluation(0.5, 0.4, 0.3, 0.2, (0.1, None), (0.6, None))


def progress(epochs, kept):
    records = [EpochRecord(epoch, 0.5, 0.1, 8, 1.5, None, 0.4) for epoch in range(1, epochs + 1)]
    weights = {"weight": torch.full((2,), float(kept))}
    return TrainingProgress(records, Kept(kept, 0.4, (EVALUATION, COUNTS), weights), epochs - kept)


def test_progress_comes_back_from_its_state_as_it_was():
    before = progress(epochs=3, kept=2)
    after = TrainingProgress.from_state_dict(before.state_dict(), NETWORK)
    assert (after.records, after.epoch, after.validations_without_better) == (before.records, 3, 1)
    assert (after.kept.epoch, after.kept.score) == (2, 0.4)
    evaluation, counts = after.kept.validation
    assert evaluation == EVALUATION
    for name, array in vars(COUNTS).items():
        assert np.array_equal(vars(counts)[name], array)
        assert vars(counts)[name].dtype == array.dtype
    assert after.kept.weights["weight"].tolist() == [2, 2]


def test_weights_of_the_last_epoch_are_those_of_the_network_and_not_stored_twice():
    state = progress(epochs=3, kept=3).state_dict()
    assert state["kept"]["weights"] is None
    assert TrainingProgress.from_state_dict(state, NETWORK).kept.weights is NETWORK


def test_progress_before_the_first_epoch_and_without_a_validation():
    for before in (TrainingProgress(), replace(progress(epochs=1, kept=1), kept=None)):
        assert TrainingProgress.from_state_dict(before.state_dict(), NETWORK) == before


def test_training_is_over_after_its_epochs_or_its_patience():
    three = progress(epochs=3, kept=1)  # two validations without a better one
    over = {
        (epochs, patience): three.is_over(TrainSettings(epochs=epochs, patience=patience))
        for epochs in (3, 4)
        for patience in (None, 2, 3)
    }
    assert [key for key, is_over in over.items() if not is_over] == [(4, None), (4, 3)]
