"""A trained network as an object: images in, classes out, as it was scored."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.data.resizing import Size, resized_image
from searchctl.trainer.data.sets.base import Colour, Image
from searchctl.trainer.evaluation.inference import Predictor
from searchctl.trainer.evaluation.strips import upsampled_strips
from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.trained.description import Description
from searchctl.trainer.trained.tiles import tiled_strips

Strips = Iterable[tuple[slice, Tensor]]
"""Rows and logits [1, C, h, W] of each strip of an image."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """The classes of one image."""

    classes: npt.NDArray[np.uint8]
    """[height, width] class ids at the image's own size; [1, 1] of a classifier. Pixels that a
    raster lacks (NaN in any band) have `TrainedModel.ignore_index`."""
    probabilities: npt.NDArray[np.float32] | None
    """[classes, height, width]; None unless requested."""


class TrainedModel:
    """A network that predicts images of any size, with the preprocessing of its training.

    Each image is resized, normalised and predicted as in the scores at original size; logits are
    upsampled to the image's own size. A network that was trained on tiles predicts tiles of that
    size, and averages where they overlap.

    Attributes:
        description: what it is, and what it was trained on.
        network: the torch module, in evaluation mode on its device.
        precision: number format and normalisation of the forward pass.
        tile_overlap: least share of a tile's side that it has in common with the next one, where
            images are cut into tiles.
    """

    def __init__(
        self, description: Description, network: SegmentationModel, precision: Precision
    ) -> None:
        self.description = description
        self.network = network
        self.precision = precision
        self.tile_overlap = description.inference.tile_overlap

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their ids."""
        return self.description.classes.names

    @property
    def palette(self) -> tuple[Colour, ...]:
        """Colour of each class."""
        return self.description.classes.palette

    @property
    def ignore_index(self) -> int:
        """Value of pixels without a class."""
        return self.description.classes.ignore_index

    def predict(self, image: npt.NDArray[np.generic]) -> Prediction:
        """Return the classes and the probabilities of an image.

        Args:
            image: uint8 [height, width, 3] RGB, of any size; for a network of rasters, numbers
                [height, width, bands] as in its training, NaN where a pixel is missing.

        Raises:
            SettingsError: the image is of another kind, or too large for the inference mode.
        """
        (prediction,) = self.predictions([image], probabilities=True)
        return prediction

    @torch.inference_mode()
    def predictions(
        self,
        images: Iterable[npt.NDArray[np.generic]],
        *,
        batch_size: int = 1,
        probabilities: bool = False,
    ) -> Iterator[Prediction]:
        """Yield the prediction of each image, in their order.

        Args:
            images: as in `predict`.
            batch_size: images, or windows of one image, in one forward pass.
            probabilities: whether predictions have them; they take 4 bytes a class and pixel.

        Raises:
            SettingsError: as in `predict`.
        """
        checked = map(self._checked, images)
        if self.description.inference.as_validated and self.description.images.tile is None:
            predicted = self._in_batches(checked, batch_size)
        else:
            predicted = self._one_by_one(checked, batch_size)
        for image, strips in predicted:
            yield self._prediction(image, strips, probabilities)

    def _in_batches(
        self, images: Iterator[Image], batch_size: int
    ) -> Iterator[tuple[Image, Strips]]:
        size = self.description.images.image_size
        while batch := list(islice(images, batch_size)):
            pixels = np.stack([resized_image(image, size) for image in batch])
            logits = self.precision.logits(
                self.network, torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())
            )
            for image, each in zip(batch, logits.unsqueeze(1), strict=True):
                yield image, upsampled_strips(each, self._output_size(image))

    def _one_by_one(
        self, images: Iterator[Image], batch_size: int
    ) -> Iterator[tuple[Image, Strips]]:
        described = self.description.images
        inference, classes = self.description.inference, len(self.class_names)
        predictor = Predictor(
            self.network,
            self.precision,
            inference,
            image_size=described.image_size,
            batch_size=batch_size,
        )

        def of_tile(image: Image) -> Tensor:
            size = (image.shape[0], image.shape[1])
            return predictor.log_probabilities(image, size)[0].exp()

        for image in images:
            size = self._output_size(image)
            if described.tile is not None:
                yield image, tiled_strips(image, described.tile, self.tile_overlap, of_tile)
            else:
                yield image, predictor.strips(image, size, classes)

    def _output_size(self, image: Image) -> Size:
        if self.description.task == "classification":
            return 1, 1
        return image.shape[0], image.shape[1]

    def _prediction(self, image: Image, strips: Strips, probabilities: bool) -> Prediction:
        ids: list[npt.NDArray[np.uint8]] = []
        shares: list[npt.NDArray[np.float32]] = []
        for _, logits in strips:
            ids.append(logits[0].max(dim=0).indices.to(torch.uint8).cpu().numpy())
            if probabilities:
                shares.append(logits[0].softmax(dim=0).cpu().numpy())
        classes = np.concatenate(ids)
        if image.dtype.kind == "f" and classes.shape == image.shape[:2]:
            classes[np.isnan(image).any(axis=2)] = self.ignore_index
        return Prediction(classes, np.concatenate(shares, axis=1) if shares else None)

    def problem(self, image: npt.NDArray[np.generic]) -> str | None:
        """Return why an image cannot be predicted; None if it can.

        Args:
            image: as in `predict`.
        """
        described = self.description.images
        wanted = f"[height, width, {described.channels}]"
        wanted += " uint8 RGB" if described.bands is None else f" of the bands {described.bands}"
        if image.ndim != 3 or image.shape[2] != described.channels or 0 in image.shape:
            return f"an image is {wanted}, and this one is {list(image.shape)}"
        kinds = ("u1",) if described.bands is None else ("u", "i", "f")
        if not image.dtype.str[1:].startswith(kinds):
            return f"an image is {wanted}, and this one has {image.dtype} values"
        if described.tile is not None:
            return None
        size = (image.shape[0], image.shape[1])
        return self.description.inference.size_problem(size, len(self.class_names))

    def _checked(self, image: npt.NDArray[np.generic]) -> Image:
        """Return an image as the network takes it.

        Raises:
            SettingsError: it cannot be predicted.
        """
        if problem := self.problem(image):
            raise SettingsError(problem)
        described = self.description.images
        if described.bands is None:
            return image
        raster = image.astype(np.float32)
        if described.nodata is not None:
            raster[raster == described.nodata] = np.nan
        raster[~np.isfinite(raster)] = np.nan
        return raster
