import pytest
import torch

from searchctl.trainer import Sample, TrainSettings
from searchctl.trainer.data.settings import CamvidData, ScenesData
from searchctl.trainer.run.checkpoints.identity import identity_of

SCENES = ScenesData(dataset="scenes")


def identity(settings=None, data=SCENES, images=8, seed=1, **changes):
    arguments = {
        "score": "val_miou",
        "sample_hash": "names",
        "data_fingerprint": "files",
        "init_from": None,
        "network": {"weight": torch.zeros(3, 4)},
        **changes,
    }
    return identity_of(TrainSettings(**settings or {}), Sample(data, images, seed), **arguments)


@pytest.mark.parametrize(
    "change",
    [
        {"settings": {"lr": 2e-3}},
        {"settings": {"threads": 2}},
        {"settings": {"loss": "focal"}},
        {"settings": {"validate": {"every": 2}}},
        {"data": ScenesData(dataset="scenes", image_size=(96, 128))},
        {"images": 9},
        {"seed": 2},
        {"score": "val_loss"},
        {"sample_hash": "other names"},
        {"data_fingerprint": "other files"},
        {"init_from": "other weights"},
        {"code": "hash of own code"},
        {"network": {"weight": torch.zeros(4, 3)}},
        {"network": {"bias": torch.zeros(3, 4)}},
    ],
    ids=str,
)
def test_what_changes_a_jobs_numbers_makes_it_another_job(change):
    assert identity(**change) != identity()


@pytest.mark.parametrize(
    "change",
    [
        {"settings": {"loader_workers": 3}},
        {"settings": {"loader_workers": "auto"}},
        {"settings": {"tversky_alpha": 0.5}},
        {"settings": {"init": "pretrained", "weights": "moved.pth"}},
        {"settings": {"init": "checkpoint:moved"}},
        {"network": {"weight": torch.ones(3, 4)}},
    ],
    ids=str,
)
def test_what_changes_no_number_leaves_the_job_the_same(change):
    assert identity(**change) == identity()


def test_where_the_data_lies_leaves_the_job_the_same():
    here, there = (CamvidData(dataset="camvid", root=root) for root in ("here", "there"))
    assert identity(data=here) == identity(data=there)


def test_an_option_of_the_loss_that_is_used_makes_it_another_job():
    assert identity({"loss": "tversky", "tversky_alpha": 0.5}) != identity({"loss": "tversky"})
