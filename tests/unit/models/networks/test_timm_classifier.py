"""timm's networks for whole images: the same logits, in parts that can be trained apart."""

import copy
from types import SimpleNamespace

import pytest
import torch
from upath import UPath

from searchctl.orchestrator.artifacts.named_weights import encoder_file
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.build import build_model
from searchctl.trainer.models.finetune import freeze, training_mode
from searchctl.trainer.models.timm.classifier import TimmClassifier
from searchctl.trainer.models.timm.library import timm
from searchctl.trainer.models.timm.network import IMAGENET_MEAN, IMAGENET_STD, OwnNormalisation
from searchctl.trainer.optim.optimizers import build_optimizer
from searchctl.trainer.run.preflight import network_problems
from searchctl.trainer.settings.training import TrainSettings
from searchctl.trainer.weights.initial import load_initial_weights
from tests.networks import tiny_encoders  # noqa: F401  # tiny_beit, tiny_vgg
from tests.networks.initialised_networks import write

CLASSES = 5
SIZES = {
    "tiny_vgg": (32, 40),
    "tiny_beit": (224, 224),
    "resnet18": (33, 47),
    "test_vit": (160, 160),
    "test_vit3": (160, 160),
    "test_convnext": (64, 96),
    "test_efficientnet": (64, 64),
    "test_mambaout": (64, 64),
    "dla34": (64, 64),
}


def settings(name="test_vit", **params):
    return TrainSettings(model=f"timm:{name}", **params)


def classifier(name="test_vit", classes=CLASSES, **params):
    torch.manual_seed(0)
    return build_model(settings(name, **params), classes)


def timms_own(model):
    """timm's own network with the weights of searchctl's."""
    net = timm.create_model(model.name, **model.options).eval()
    (name,) = (name for name, each in net.named_modules() if each is net.get_classifier())
    last = model.classifier.layer.state_dict()
    net.load_state_dict(model.timm_state() | {f"{name}.{key}": last[key] for key in last})
    return net


@pytest.mark.parametrize("name", SIZES)
@torch.no_grad()
def test_logits_are_timms_own(name):
    model = classifier(name).eval()
    for weights in model.parameters():  # fresh branches may be multiplied by zero
        weights.add_(0.05 * torch.randn_like(weights))
    net = timms_own(model)
    images = torch.randn(2, 3, *SIZES[name])
    logits = model(images)
    assert logits.shape == (2, CLASSES, 1, 1)
    assert logits.std() > 1e-3
    assert logits[..., 0, 0].equal(net(model.encoder.normalisation(images)))


def test_images_are_normalised_as_the_network_was_trained():
    pixels = torch.rand(2, 3, 4, 4)
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.device("meta"):
        config = timm.create_model("beit_base_patch16_224").pretrained_cfg
    assert config["mean"] == config["std"] == (0.5, 0.5, 0.5)
    given = OwnNormalisation(SimpleNamespace(pretrained_cfg=config))((pixels - mean) / std)
    torch.testing.assert_close(given, 2 * pixels - 1)


def count(module):
    return sum(weights.numel() for weights in module.parameters())


@pytest.mark.parametrize(
    ("name", "encoder", "decoder", "classifier"),
    [
        ("vgg13_bn", 9_410_880, 119_545_856, 204_850),
        ("beit_base_patch16_224", 85_760_448, 1_536, 38_450),
        ("resnet18", 11_176_512, 0, 25_650),
    ],
)
def test_parts_have_the_parameters_of_the_published_network(name, encoder, decoder, classifier):
    with torch.device("meta"):
        model = TimmClassifier(50, name=name)
        assert count(timm.create_model(name, num_classes=50)) == encoder + decoder + classifier
    found = (count(model.encoder), count(model.decoder), count(model.classifier))
    assert found == (encoder, decoder, classifier)
    assert count(model) == sum(found)


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (160, 160), (200, 90)])
@pytest.mark.parametrize(
    "name", ["test_vit", "test_resnet", "test_byobnet", "swin_tiny_patch4_window7_224"]
)
def test_images_of_any_size_have_one_class(name, size):
    with torch.device("meta"):
        assert TimmClassifier(3, name=name)(torch.empty(2, 3, *size)).shape == (2, 3, 1, 1)


def test_beit_takes_images_of_any_size():
    with torch.device("meta"):
        model = TimmClassifier(3, name="tiny_beit").eval()
        assert model(torch.empty(2, 3, 100, 80)).shape == (2, 3, 1, 1)


def test_a_network_for_one_size_says_which():
    problems = network_problems([settings("mixer_s16_224")], CLASSES, (64, 64))
    assert problems == [
        "model timm:mixer_s16_224: timm model 'mixer_s16_224' takes images of 224x224 pixels "
        "only, not 64x64: set image_size to that, or use another network"
    ]


@pytest.mark.parametrize(
    ("finetune", "trained"),
    [
        ("all", {"encoder", "decoder", "classifier"}),
        ("decoder", {"decoder", "classifier"}),
        ("classifier", {"classifier"}),
        ("frozen_decoder", {"encoder", "classifier"}),
    ],
)
def test_parts_are_trained_apart(finetune, trained):
    model = classifier("test_vit3")
    freeze(model, finetune)
    training_mode(model, finetune)
    grads = {
        name.partition(".")[0] for name, each in model.named_parameters() if each.requires_grad
    }
    assert grads == trained
    assert {
        part for part in ("encoder", "decoder", "classifier") if getattr(model, part).training
    } == trained


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_convnext"])
def test_the_last_stages_are_trained_one_after_the_other(name):
    model = classifier(name)
    sizes = []
    for stages in range(1, len(model.encoder.stages()) + 1):
        freeze(model, f"last_{stages}")
        sizes.append(sum(w.numel() for w in model.encoder.parameters() if w.requires_grad))
    assert len(sizes) == 4
    assert sorted(set(sizes)) == sizes
    assert sizes[-1] > 0.95 * count(model.encoder)


def test_the_encoder_has_a_learning_rate_of_its_own():
    model = classifier("test_vit3")
    head, encoder = build_optimizer(settings(lr=0.1, encoder_lr_scale=0.5), model).param_groups
    assert (head["lr"], encoder["lr"]) == (0.1, 0.05)
    assert len(encoder["params"]) == len(list(model.encoder.parameters()))


def differs_in_training(model):
    images = torch.randn(4, 3, 64, 64)
    model.train()
    return not torch.equal(model(images), model(images))


@pytest.mark.parametrize(
    ("name", "params", "by_chance"),
    [
        ("test_vit", {}, False),
        ("ghostnet_100", {}, False),  # timm's own default is a dropout of 0.2
        ("ghostnet_100", {"dropout": 0.2}, True),
        ("test_vit", {"dropout": 0.2}, True),
        ("test_vit", {"drop_path": 0.5}, True),
    ],
)
def test_dropout_acts_only_if_requested(name, params, by_chance):
    assert differs_in_training(classifier(name, **params)) is by_chance


@pytest.mark.parametrize("name", ["test_resnet", "test_vit3", "test_convnext"])
def test_pretrained_weights_fill_all_but_the_classifier(tmp_path, name):
    published = timm.create_model(name, num_classes=11)
    path = write(published.state_dict(), tmp_path / "net.safetensors")
    model, before = classifier(name), classifier(name)
    started = load_initial_weights(
        model, settings(name, init="pretrained"), CLASSES, encoder_from=path
    )
    assert f"{name} from {path}: all " in started.text
    theirs = published.state_dict()
    assert all(each.equal(theirs[key]) for key, each in model.timm_state().items())
    assert model.classifier.layer.weight.equal(before.classifier.layer.weight)


@pytest.mark.parametrize("name", ["test_vit", "test_vit.r160_in1k"])
def test_a_directory_of_weights_has_one_file_for_each_network(tmp_path, name):
    path = tmp_path / "test_vit.safetensors"
    path.touch()
    pretrained = settings(name, init="pretrained", weights=str(tmp_path))
    assert encoder_file(pretrained).path == UPath(path)


def test_weights_that_lack_a_part_before_the_classifier_are_refused(tmp_path):
    state = timm.create_model("test_vit3", num_classes=11).state_dict()
    path = write(
        {name: each for name, each in state.items() if not name.startswith("attn_pool")},
        tmp_path / "net.safetensors",
    )
    with pytest.raises(SettingsError, match=r"test_vit3: \d+ of the encoder's \d+ tensors are"):
        load_initial_weights(
            classifier("test_vit3"),
            settings("test_vit3", init="pretrained"),
            CLASSES,
            encoder_from=path,
        )


def test_a_checkpoint_of_other_classes_gives_all_but_the_classifier(tmp_path):
    there = classifier("test_vit3", classes=7)
    path = write(there.state_dict(), tmp_path / "model.safetensors")
    model = classifier("test_vit3")
    started = load_initial_weights(model, settings("test_vit3"), CLASSES, init_from=path)
    assert started.text.endswith("without its classifier: 7 classes there, 5 here")
    assert all(each.equal(there.timm_state()[key]) for key, each in model.timm_state().items())


@torch.no_grad()
def test_a_copy_is_a_network_of_its_own():
    model = classifier("test_vit").eval()
    images = torch.randn(2, 3, 32, 32)
    before, twin = model(images), copy.deepcopy(model)
    for weights in model.parameters():
        weights.zero_()
    assert twin(images).equal(before)
    assert not model(images).equal(before)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("vgg13bn", "unknown timm model 'vgg13bn': did you mean 'vgg13_bn'"),
        (
            "beit_base_patch16_224_in22k",
            "weights now have tags, did you mean 'beit_base_patch16_224.in22k_ft_in22k' or",
        ),
        ("vgg13_bn.tv_in", "timm model 'vgg13_bn': unknown tag 'tv_in': did you mean 'tv_in1k'?"),
        ("deit_tiny_distilled_patch16_224", "one classifier (its classifier is a tuple): use"),
        ("volo_d1_224", "timm model 'volo_d1_224' cannot be split into features, pooling"),
    ],
)
def test_what_is_no_classifier_is_refused_before_the_first_epoch(name, problem):
    (found,) = network_problems([settings(name)], CLASSES, (64, 64))
    assert found.startswith(f"model timm:{name}: ")
    assert problem in found


def test_a_network_without_branches_skips_none():
    (problem,) = network_problems([settings("vgg13_bn", drop_path=0.1)], CLASSES, (64, 64))
    assert "timm model 'vgg13_bn' has no residual branches that timm can skip: remove" in problem
