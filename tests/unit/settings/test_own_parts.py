"""Networks, losses, optimizers and LR schedules by import path."""

import argparse
import sys

import pytest
import torch
from pydantic import ValidationError
from upath import UPath

from searchctl.trainer import Sample
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.data.settings import ScenesData
from searchctl.trainer.losses.build import build_loss
from searchctl.trainer.models.build import build_model
from searchctl.trainer.models.finetune import freeze
from searchctl.trainer.optim.lr_schedules import build_lr_schedule
from searchctl.trainer.optim.optimizers import build_optimizer
from searchctl.trainer.settings.source.own import offered, own_parts
from searchctl.trainer.settings.training import TrainSettings
from tests.jobs.small_jobs import run_small
from tests.own_parts import own_modules
from tests.own_parts.own_modules import EXAMPLE

HERE = "tests.own_parts.own_modules"
IGNORE = 255


@pytest.fixture(autouse=True)
def example(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLE)


def network(name="my_nets:ResUNet", *, classes=5, channels=3, **settings):
    return build_model(TrainSettings(model=name, **settings), classes, channels)


def loss_of(name, **settings):
    counts = torch.ones(2, 5, dtype=torch.int64)
    given = TrainSettings(loss=name, **settings)
    return build_loss(given, ignore_index=IGNORE, pixel_counts=counts)


def batch(ignored=0):
    labels = torch.randint(5, (2, 6, 7))
    labels[:, :ignored] = IGNORE
    return torch.randn(2, 5, 6, 7), labels


def test_the_import_paths_of_settings_are_listed_once():
    settings = [
        TrainSettings(model="a:B", loss="c:d", optimizer="torch.optim:NAdam"),
        TrainSettings(model="a:B", loss="dice"),
    ]
    assert own_parts(settings) == ["a:B", "c:d", "torch.optim:NAdam"]


def test_an_own_network_is_given_classes_channels_dropout_and_its_arguments():
    model = network(channels=4, dropout=0.3, model_args={"depth": 2, "width": 8})
    assert model(torch.rand(2, 4, 33, 47)).shape == (2, 5, 33, 47)
    assert (len(model.network.encoder), model.network.dropout.p) == (2, 0.3)


def test_an_installed_package_offers_parts_by_entry_points(tmp_path, monkeypatch):
    about = tmp_path / "nets-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: nets\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[searchctl.models]\nresunet = my_nets:ResUNet\n")
    monkeypatch.syspath_prepend(tmp_path)
    offered.cache_clear()
    try:
        assert network("resunet", model_args={"depth": 2})(torch.rand(2, 3, 9, 9)).shape[1] == 5
        with pytest.raises(ValidationError, match="did you mean 'resunet'"):
            TrainSettings(model="resunett")
    finally:
        offered.cache_clear()


def test_an_error_of_any_kind_in_own_code_fails_its_trial_alone(tmp_path):
    data = ScenesData(dataset="scenes", image_size=(16, 16), train=4, val=1)
    settings = TrainSettings(model=f"{HERE}:BrokenGradient", epochs=1, batch_size=4, threads=1)
    result = run_small(settings, Sample(data, images=4, seed=0), out=UPath(tmp_path))
    assert result.status == "failed"
    assert "KeyError: 'in backward'" in result.error


def test_names_of_an_own_networks_weights_are_its_own():
    assert {name.partition(".")[0] for name in network().state_dict()} == {
        "encoder",
        "decoder",
        "classifier",
    }


def test_logits_of_another_size_and_in_a_dict_are_resampled():
    model = network(f"{HERE}:Half", model_args={"depth": 1})
    assert model(torch.rand(2, 3, 21, 30)).shape == (2, 5, 21, 30)


def test_a_function_that_returns_a_module_is_a_network():
    assert network(f"{HERE}:factory")(torch.rand(1, 3, 9, 9).expand(2, -1, -1, -1)).shape[1] == 5


def test_options_may_be_a_pydantic_model():
    assert network(f"{HERE}:WithOptions", model_args={"rate": 2}).network.rate == 2.0
    with pytest.raises(SettingsError, match="rate\n  Input should be greater than or equal to 0"):
        network(f"{HERE}:WithOptions", model_args={"rate": -1})


@pytest.mark.parametrize(
    ("name", "settings", "problem"),
    [
        (f"{HERE}:Half", {}, "missing a required argument: 'depth'; its parameters are num_cla"),
        (f"{HERE}:factory", {"model_args": {"wdth": 1}}, "unexpected keyword argument 'wdth'"),
        (f"{HERE}:factory", {"dropout": 0.1}, "has no parameter dropout: leave dropout out"),
        (f"{HERE}:pixel_loss", {"model_args": {"labels": 1}}, "missing a required argument: 'log"),
        ("my_nets:ResUnet", {}, "my_nets.py has no ResUnet"),
        ("my_netz:ResUNet", {}, "there is no module my_netz: searched "),
    ],
)
def test_a_network_that_cannot_be_built_is_refused(name, settings, problem):
    with pytest.raises(SettingsError, match=problem.replace("(", r"\(")):
        network(name, **settings)


def test_an_error_of_own_code_is_shown_by_its_own_lines_alone():
    with pytest.raises(SettingsError) as caught:
        network(f"{HERE}:Broken")(torch.rand(2, 3, 8, 8))
    head, line = str(caught.value).splitlines()
    assert head == f"{HERE}:Broken fails: KeyError: 'missing'"
    assert line.endswith('in forward: return self.sizes["missing"]')


@pytest.mark.parametrize("finetune", ["decoder", "classifier", "last_1"])
def test_a_network_without_parts_is_refused_when_they_are_frozen(finetune):
    with pytest.raises(SettingsError, match="offers no encoder, which finetune and encoder_lr_"):
        freeze(network(f"{HERE}:factory"), finetune)


def test_a_network_that_offers_its_parts_is_finetuned():
    model = network()
    freeze(model, "decoder")
    assert not any(weights.requires_grad for weights in model.network.encoder.parameters())
    settings = TrainSettings(model="my_nets:ResUNet", finetune="decoder", encoder_lr_scale=1.0)
    assert len(build_optimizer(settings, model).param_groups) == 1


def test_the_learning_rate_of_an_encoder_that_is_not_offered_cannot_be_scaled():
    settings = TrainSettings(model=f"{HERE}:factory", encoder_lr_scale=0.1)
    with pytest.raises(SettingsError, match="offers no encoder"):
        build_optimizer(settings, build_model(settings, 5))


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("my_losses:Tversky", {"alpha": 0.4}),
        ("torch.nn:CrossEntropyLoss", {"label_smoothing": 0.1}),
        ("torch.nn.functional:cross_entropy", {}),
    ],
)
def test_an_own_loss_leaves_ignored_pixels_out(name, args):
    loss, (logits, labels) = loss_of(name, loss_args=args), batch(ignored=2)
    other = logits.masked_fill((labels == IGNORE).unsqueeze(1), 7.0)
    assert loss(logits, labels) == loss(other, labels)


def test_a_loss_that_is_not_told_of_ignored_pixels_is_refused_where_there_are_some():
    loss = loss_of(f"{HERE}:pixel_loss", loss_args={"gamma": 2.0})
    assert loss(*batch()).shape == ()
    with pytest.raises(SettingsError, match=r"no parameter ignore_index, and some pixels have no"):
        loss(*batch(ignored=1))


def test_a_loss_that_is_no_scalar_is_refused():
    with pytest.raises(SettingsError, match=r"returns \[2\]: return a scalar"):
        loss_of(f"{HERE}:mean_of_images")(*batch())


def test_an_own_optimizer_has_learning_rates_by_part_and_its_arguments():
    settings = TrainSettings(
        model="my_nets:ResUNet",
        optimizer="torch.optim:NAdam",
        optimizer_args={"momentum_decay": 0.01},
        lr=0.1,
        encoder_lr_scale=0.5,
        weight_decay=0.2,
    )
    groups = build_optimizer(settings, build_model(settings, 5)).param_groups
    found = [(each["lr"], each["weight_decay"], each["momentum_decay"]) for each in groups]
    assert found == [(0.1, 0.2, 0.01), (0.05, 0.2, 0.01)]


def test_an_own_schedule_is_stepped_after_every_step():
    settings = TrainSettings(
        lr=1.0, lr_schedule=f"{HERE}:triangle", lr_schedule_args={"peak": 0.5}, epochs=2
    )
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = build_lr_schedule(optimizer, settings, steps=2, higher_is_better=True)
    rates = []
    for _ in range(4):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.after_step()
    assert rates == [0.5, 1.0, 0.5, 0.25]


def test_one_logit_of_two_classes_is_trained_with_the_binary_cross_entropy():
    images, labels = torch.rand(2, 3, 6, 7), torch.randint(2, (2, 6, 7))
    model = network(f"{HERE}:OneLogit", classes=2)
    logits, one = model(images), model.network(images)[:, 0]
    expected = torch.nn.functional.binary_cross_entropy_with_logits(one, labels.float())
    assert torch.nn.functional.cross_entropy(logits, labels).item() == pytest.approx(
        expected.item(), rel=1e-6
    )
    assert torch.equal(logits.argmax(dim=1) == 1, one.sigmoid() > 0.5)
    with pytest.raises(SettingsError, match="for 2 images and 3 classes"):
        network(f"{HERE}:OneLogit", classes=3)(images)


def test_own_code_that_ends_the_process_is_an_error_of_that_code(monkeypatch):
    monkeypatch.setattr(own_modules, "pixel_loss", lambda logits, labels: sys.exit(0))
    loss = loss_of(f"{HERE}:pixel_loss")
    with pytest.raises(SettingsError, match=r"pixel_loss ends the process: SystemExit: 0\n.*:\d+"):
        loss(*batch())


def test_a_signal_that_ends_the_process_is_no_error_of_the_own_code_that_runs(monkeypatch):
    parser = argparse.ArgumentParser()  # raises in a library's frame, as a handler of Ray's does
    monkeypatch.setattr(own_modules, "pixel_loss", lambda logits, labels: parser.exit(15))
    with pytest.raises(SystemExit):
        loss_of(f"{HERE}:pixel_loss")(*batch())
