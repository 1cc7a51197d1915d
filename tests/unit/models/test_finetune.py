import pytest
import torch
import torch.nn.functional as F

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.finetune import FROZEN, freeze, training_mode
from searchctl.trainer.models.networks.unet import UNet
from searchctl.trainer.settings.training import TrainSettings


@pytest.fixture
def model():
    torch.manual_seed(0)
    return UNet(5, width=4, dropout=0.3)


def train_some_steps(model, finetune):
    freeze(model, finetune)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
    training_mode(model, finetune)
    for _ in range(3):
        loss = F.cross_entropy(model(torch.randn(2, 3, 16, 16)), torch.zeros(2, 16, 16).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("finetune", FROZEN)
def test_frozen_parts_keep_weights_and_statistics_and_the_others_move(model, finetune):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train_some_steps(model, finetune)
    moved = {
        name.partition(".")[0]
        for name, value in model.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert moved == {"encoder", "decoder", "classifier"} - set(FROZEN[finetune])


@pytest.mark.parametrize("finetune", FROZEN)
def test_every_choice_of_the_table_can_be_set(finetune):
    assert TrainSettings(finetune=finetune).finetune == finetune


@pytest.mark.parametrize("count", [1, 3, 5])
def test_last_stages_move_and_those_before_keep_weights_and_statistics(model, count):
    before = {name: value.clone() for name, value in model.encoder.state_dict().items()}
    train_some_steps(model, f"last_{count}")
    moved = {
        int(name.split(".")[1])
        for name, value in model.encoder.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert moved == set(range(5 - count, 5))


def test_more_stages_than_the_encoder_has_name_how_many_there_are(model):
    with pytest.raises(SettingsError, match="has 5 stages; use last_5 at most, or all"):
        freeze(model, "last_6")


def test_encoder_still_learns_through_a_frozen_decoder(model):
    train_some_steps(model, "frozen_decoder")
    assert all(weights.grad.abs().sum() > 0 for weights in model.encoder.parameters())
    assert all(weights.grad is None for weights in model.decoder.parameters())


def test_nothing_is_recorded_for_a_gradient_before_a_lone_classifier(model):
    freeze(model, "classifier")
    training_mode(model, "classifier")
    features = model.decoder(model.encoder(torch.randn(2, 3, 16, 16)))
    assert features.grad_fn is None


def test_frozen_parts_do_not_drop_channels(model):
    training_mode(model, "classifier")
    images = torch.randn(2, 3, 16, 16)
    assert torch.equal(model(images), model(images))
