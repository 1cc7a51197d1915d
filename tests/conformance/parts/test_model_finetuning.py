"""Each depth of fine-tuning trains its parts of every model and freezes the rest."""

import pytest
import torch

from searchctl.trainer.models.finetune import freeze, training_mode
from tests.networks.tiny_models import BRANCHLESS, VARIANTS, tiny, train_steps
from tests.sweeps.grids import itself, mostly_exhaustive

TRAINED = {
    "all": {"encoder", "decoder", "classifier", "aux_decoder", "aux_classifier"},
    "decoder": {"decoder", "classifier", "aux_decoder", "aux_classifier"},
    "classifier": {"classifier", "aux_classifier"},
    "frozen_decoder": {"encoder", "classifier", "aux_classifier"},
}
OF_NO_LAYER = ("pos_embed", "cls_token")
"""Weights that a vision transformer has beside its layers: `finetune: all` alone trains them."""


@pytest.fixture(params=VARIANTS)
def variant(request):
    return request.param


def weights_in(model, parts):
    """The names of the weights of these parts."""
    return {name for name, _ in model.named_parameters() if name.partition(".")[0] in parts}


def weights_of_stages(model, last):
    """The names of the weights of the encoder's last stages."""
    layers = [layer for stage in model.encoder.stages()[-last:] for layer in stage]
    chosen = {id(weight) for layer in layers for weight in layer.parameters()}
    return {name for name, weight in model.named_parameters() if id(weight) in chosen}


def moved(model, finetune):
    """The names of the weights that an epoch of a few steps moves, and the layers of the rest."""
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train_steps(model, finetune)
    names = {n for n, value in model.state_dict().items() if not torch.equal(value, before[n])}
    weights = names & {name for name, _ in model.named_parameters()}
    return weights, layers_of(names - weights)


def layers_of(names):
    return {name.rpartition(".")[0] for name in names}


@pytest.mark.parametrize("finetune", mostly_exhaustive(itself(TRAINED), "frozen_decoder"))
def test_exactly_the_trained_parts_move_over_an_epoch(variant, finetune):
    model = tiny(variant)
    expected = weights_in(model, TRAINED[finetune])
    weights, layers_with_statistics = moved(model, finetune)
    assert weights == expected
    assert layers_with_statistics <= layers_of(expected)


def test_the_last_stage_moves_with_decoder_and_classifier_and_none_before(variant):
    model = tiny(variant)
    expected = weights_in(model, TRAINED["decoder"]) | weights_of_stages(model, 1)
    weights, layers_with_statistics = moved(model, "last_1")
    assert weights == expected
    assert layers_with_statistics <= layers_of(expected)


def test_stages_hold_every_layer_of_the_encoder_once(variant):
    model = tiny(variant)
    stages = model.encoder.stages()
    layers = [layer for stage in stages for module in stage for layer in module.modules()]
    assert len(layers) == len(set(layers))
    left_out = weights_in(model, {"encoder"}) - weights_of_stages(model, len(stages))
    assert all(name.endswith(OF_NO_LAYER) for name in left_out)


def test_every_stage_has_weights_to_train(variant):
    model = tiny(variant)
    counts = [len(weights_of_stages(model, k)) for k in range(1, len(model.encoder.stages()) + 1)]
    assert counts[0] > 0
    assert counts == sorted(set(counts))


def test_all_stages_together_are_the_whole_encoder(variant):
    model = tiny(variant)
    freeze(model, f"last_{len(model.encoder.stages())}")
    frozen = [name for name, weight in model.named_parameters() if not weight.requires_grad]
    assert all(name.endswith(OF_NO_LAYER) for name in frozen)


@torch.no_grad()
def test_frozen_parts_have_no_randomness(variant):
    skip = {} if variant in BRANCHLESS else {"drop_path": 0.5}
    model, images = tiny(variant, dropout=0.5, **skip), torch.randn(2, 3, 64, 64)
    training_mode(model, "classifier")
    for first, second in zip(model.all_logits(images), model.all_logits(images), strict=True):
        assert torch.equal(first, second)


def test_nothing_is_recorded_for_a_gradient_before_the_classifiers(variant):
    model = tiny(variant)
    freeze(model, "classifier")
    training_mode(model, "classifier")
    requires_grad = []
    for classifier in filter(None, (model.classifier, model.aux_classifier)):
        classifier.register_forward_pre_hook(
            lambda _, given: requires_grad.append(given[0].requires_grad)
        )
    logits = model.all_logits(torch.randn(2, 3, 64, 64))
    assert requires_grad == [False] * len(logits)
    assert all(each.requires_grad for each in logits)
