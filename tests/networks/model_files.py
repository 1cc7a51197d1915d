"""Files of networks with random weights, which say what they are as those of trained ones do."""

import torch
from upath import UPath

from searchctl.trainer.models.build import build_model
from searchctl.trainer.settings.training import TrainSettings
from searchctl.trainer.trained.description import (
    Classes,
    Description,
    Images,
    KeptScore,
    Trained,
    code_of,
)
from searchctl.trainer.weights.files import save_weights

PALETTE = ((0, 0, 0), (255, 0, 0), (0, 128, 255))
RGB = {"image_size": (24, 32), "mean": (120.0, 110.0, 100.0), "std": (60.0, 57.0, 58.0)}
BANDS = {"image_size": (24, 32), "bands": (0, 1, 2, 3), "mean": (500.0,) * 4, "std": (300.0,) * 4}


def write_model(folder, images=RGB, *, task="segmentation", inference=None, **training):
    """Write model.safetensors of a network for three classes; return its description."""
    width = {} if ":" in training.get("model", "") else {"width": 4}
    settings = TrainSettings(**{**width, "batch_size": 4, "threads": 1, **training})
    described = Description(
        task=task,
        images=Images(**images),
        classes=Classes(names=("sky", "car", "road"), palette=PALETTE, ignore_index=255),
        inference=inference or {},
        trained=Trained(
            data={"dataset": "folder"},
            training=settings.model_dump(mode="json", by_alias=True),
            images=7,
            on="train",
            seed=0,
        ),
        score=KeptScore(name="val_miou", value=0.5, epoch=1),
        evaluations={},
        code=code_of(settings, {}),
        versions={"searchctl": "0.1.0"},
    )
    torch.manual_seed(0)
    network = build_model(settings, 3, described.images.channels, described.images.image_size)
    metadata = described.metadata()
    save_weights(network.state_dict(), UPath(folder) / "model.safetensors", metadata)
    return described
