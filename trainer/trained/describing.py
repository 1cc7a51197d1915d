"""Describes the network of a job that was trained to its end."""

from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version

from searchctl.trainer.core.results import Evaluation
from searchctl.trainer.data.samples import normalisation_of
from searchctl.trainer.data.settings import PLACES, DataSettings
from searchctl.trainer.data.settings.raster import RasterData
from searchctl.trainer.run.job import TrialJob
from searchctl.trainer.run.preparation import PreparedJob
from searchctl.trainer.run.progress import Kept
from searchctl.trainer.trained.description import (
    Classes,
    Description,
    Images,
    KeptScore,
    Trained,
    code_of,
)

_PACKAGES = ("searchctl", "torch", "timm")


def describe_network(
    job: TrialJob, prepared: PreparedJob, kept: Kept, evaluations: Mapping[str, Evaluation]
) -> Description:
    """Return the description of a job's kept weights.

    It is a function of what was trained: no times, no places, nothing of the sweep. So the file of
    weights of a job that was killed and resumed equals that of one that was not.
    """
    settings, data = prepared.settings, job.sample.data
    dataset = prepared.images.dataset
    return Description(
        task=data.task,
        images=images_of(data),
        classes=Classes(
            names=dataset.class_names, palette=dataset.palette, ignore_index=dataset.ignore_index
        ),
        inference=job.inference,
        trained=Trained(
            data=data.model_dump(mode="json", by_alias=True, exclude=set(PLACES)),
            training=settings.model_dump(
                mode="json", by_alias=True, exclude=set(settings.unused_options)
            ),
            images=len(prepared.images.names),
            on=job.sample.whole,
            seed=job.sample.seed,
        ),
        score=KeptScore(
            name=job.score, value=kept.score, direction=job.direction, epoch=kept.epoch
        ),
        evaluations={split: asdict(each) for split, each in evaluations.items()},
        code=code_of(settings, dict(job.code.files) if job.code else {}),
        versions={package: version(package) for package in _PACKAGES},
    )


def images_of(data: DataSettings) -> Images:
    """Return what a network is given that is trained on a data set."""
    normalisation = normalisation_of(data)
    raster = {}
    if isinstance(data, RasterData):
        names = ("bands", "nodata", "shown_bands", "tile", "max_pixels")
        raster = {name: getattr(data, name) for name in names}
    return Images(
        image_size=data.image_size, mean=normalisation.mean, std=normalisation.std, **raster
    )
