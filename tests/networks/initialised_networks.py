"""Networks with initial weights from elsewhere, and files of such weights."""

import pytest
import torch

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.build import build_model
from searchctl.trainer.models.timm.library import timm
from searchctl.trainer.settings.training import TrainSettings
from searchctl.trainer.weights.files import save_weights
from searchctl.trainer.weights.initial import load_initial_weights

CLASSES = 5
ENCODERS = ("test_convnext", "test_resnet", "test_vit")  # names as lists, flat, and with a prefix


def settings(**params):
    return TrainSettings(**{"model": "simple_seg", "encoder": "test_convnext", **params})


def fresh(classes=CLASSES, **params):
    """A network from the same seed, whatever its classes and initial weights."""
    torch.manual_seed(3)
    return build_model(settings(**params), classes)


def started(*, classes=CLASSES, init_from=None, encoder_from=None, **params):
    """The initial network of a job, and the record of its weights."""
    model, chosen = fresh(classes, **params), settings(**params)
    where = {"init_from": init_from, "encoder_from": encoder_from}
    return model, load_initial_weights(model, chosen, classes, **where)


def refusal(**arguments):
    with pytest.raises(SettingsError) as caught:
        started(**arguments)
    return str(caught.value)


def perturbed(state):
    """A state dict like this one, whose numbers are in no fresh network."""
    noise = torch.Generator().manual_seed(11)
    return {
        name: each + torch.rand(each.shape, generator=noise) if each.is_floating_point() else each
        for name, each in state.items()
    }


def published(encoder="test_convnext"):
    """What a file of timm's holds: the whole network's tensors, with a head for 1000 classes."""
    return perturbed(timm.create_model(encoder).state_dict())


def write(tensors, path):
    if path.suffix == ".safetensors":
        save_weights(tensors, path)
    else:
        torch.save(tensors, path)
    return path


def same(ours, theirs):
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def part(model, name):
    """The state dict of one part, copied."""
    return {key: each.clone() for key, each in model.get_submodule(name).state_dict().items()}


def trained(path, classes=CLASSES, **params):
    """The file of a network that was trained elsewhere, and what it holds."""
    state = perturbed(fresh(classes, **params).state_dict())
    write(state, path)
    return state
