import pytest
import torch

from searchctl.trainer.data.normalisation import IMAGENET
from searchctl.trainer.models.networks.simple_fcn import SimpleFCN
from searchctl.trainer.run.precision import DEFAULTS, Defaults, Precision
from searchctl.trainer.settings.training import TrainSettings

CPU = torch.device("cpu")


def test_defaults_of_each_device():
    assert {
        "cpu": Defaults(precision="fp32", channels_last=False),
        "cuda": Defaults(precision="bf16", channels_last=True),
    } == DEFAULTS


@pytest.mark.parametrize(
    ("settings", "bf16", "memory_format"),
    [
        ({}, False, torch.contiguous_format),
        ({"precision": "bf16"}, True, torch.contiguous_format),
        ({"channels_last": True}, False, torch.channels_last),
        ({"precision": "fp32", "channels_last": False}, False, torch.contiguous_format),
    ],
)
def test_settings_override_the_defaults_of_a_cpu(settings, bf16, memory_format):
    precision = Precision(TrainSettings(**settings), CPU)
    assert (precision.bf16, precision.memory_format) == (bf16, memory_format)


def test_images_are_normalised_by_the_mean_and_deviation_of_imagenet():
    images = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    mean, std = torch.tensor(IMAGENET.mean), torch.tensor(IMAGENET.std)
    expected = (images.movedim(1, -1) - mean) / std
    normalised = Precision(TrainSettings(), CPU).normalise(images)
    torch.testing.assert_close(normalised, expected.movedim(-1, 1))


def test_images_themselves_are_not_changed():
    images = torch.full((1, 3, 2, 2), 7, dtype=torch.uint8)
    Precision(TrainSettings(), CPU).normalise(images)
    assert (images == 7).all()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_logits_are_fp32_and_nearly_equal_in_every_precision(precision, channels_last):
    torch.manual_seed(0)
    model = SimpleFCN(5, width=4).eval()
    images = torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8)
    reference = Precision(TrainSettings(), CPU).logits(model, images)
    other = Precision(TrainSettings(precision=precision, channels_last=channels_last), CPU)
    logits = other.logits(other.place(model), images)
    assert logits.dtype == torch.float32
    tolerance = 0.02 if precision == "bf16" else 1e-5
    torch.testing.assert_close(logits, reference, atol=tolerance, rtol=tolerance)
