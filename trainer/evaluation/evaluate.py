"""Evaluates a network on a split, at the training size or at the labels' original size."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchctl.trainer.core.results import Evaluation, ImageCounts
from searchctl.trainer.core.stopping import Stop, until_stopped
from searchctl.trainer.data.evaluation_batches import EvaluationBatches, shard_of
from searchctl.trainer.data.loader import LoadedSplit, fixed_batches
from searchctl.trainer.data.sets.base import Image, Label
from searchctl.trainer.ddp.group import SINGLE_PROCESS, ProcessGroup
from searchctl.trainer.evaluation.inference import Predictor
from searchctl.trainer.evaluation.metrics import (
    confusion_per_image,
    outcomes_per_image,
    pooled_evaluation,
)
from searchctl.trainer.evaluation.strips import upsampled_strips
from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.run.torch_state import images_of_any_size
from searchctl.trainer.settings.inference import AS_VALIDATED, Inference

Scored = tuple[Evaluation, ImageCounts]
Strips = Iterable[tuple[slice, Tensor]]
"""Rows and logits [1, C, h, W] of each strip of an image."""


@torch.inference_mode()
def evaluate(
    model: nn.Module,
    split: LoadedSplit,
    precision: Precision,
    *,
    batch_size: int,
    stop: Stop,
    process_group: ProcessGroup = SINGLE_PROCESS,
    batches: EvaluationBatches | None = None,
) -> Scored:
    """Evaluate a network at the training size. The model stays in evaluation mode.

    Each process of a process group scores its shard of the images. All return the evaluation of the
    whole split.

    Args:
        model: network on its device.
        split: the images.
        precision: number format and memory layout of the network.
        batch_size: images of a batch in this process.
        stop: whether the job must stop.
        process_group: the processes that evaluate it.
        batches: those of this process's shard, for splits that are evaluated often; None: they are
            read.

    Raises:
        DataError: the split has no labelled pixel.
        Stopped: a stop was requested.
    """
    model.eval()
    tally = _Tally(split, process_group)
    if batches is None:
        batches = EvaluationBatches(tally.split, batch_size, precision.device)
    for images, labels in until_stopped(batches, stop):
        tally.add(precision.logits(model, images), labels)
    return tally.scored()


@torch.inference_mode()
def evaluate_original(
    model: SegmentationModel,
    split: LoadedSplit,
    precision: Precision,
    *,
    inference: Inference = AS_VALIDATED,
    batch_size: int,
    stop: Stop,
    process_group: ProcessGroup = SINGLE_PROCESS,
) -> Scored:
    """Evaluate a network at each label's original size. The model stays in evaluation mode.

    By default, each image is stretched to the training size, and its logits are upsampled
    bilinearly to the label's size; `inference` can change that. Large images are predicted in
    strips of rows, so that memory does not grow with them. If a prediction is averaged over windows
    or views, its loss is the negative logarithm of the averaged probability.

    Raises:
        DataError: the split has no labelled pixel, or a file of it cannot be read.
        SettingsError: the network accepts images of one size only, and these have another.
        Stopped: a stop was requested.
    """
    model.eval()
    tally = _Tally(split, process_group)
    if inference.as_validated:
        predictions = _upsampled(model, tally.split, precision, batch_size, stop)
    else:
        height, width = split.images.shape[1:3]
        predictor = Predictor(
            model, precision, inference, image_size=(height, width), batch_size=batch_size
        )
        predictions = _predicted(predictor, tally.split, stop)
    with nullcontext() if inference.as_validated else images_of_any_size():
        for strips, label in predictions:
            tally.add_image(strips, label)
    return tally.scored()


def _upsampled(
    model: SegmentationModel,
    split: LoadedSplit,
    precision: Precision,
    batch_size: int,
    stop: Stop,
) -> Iterator[tuple[Strips, Label]]:
    """Yield each image's logits at its label's size, strip by strip, and the label."""
    originals = iter(split.indices)
    for images, _ in until_stopped(fixed_batches(split, batch_size), stop):
        for logits in precision.logits(model, images).unsqueeze(1):
            _, label = _original(split, next(originals))
            yield upsampled_strips(logits, (label.shape[0], label.shape[1])), label


def _predicted(
    predictor: Predictor, split: LoadedSplit, stop: Stop
) -> Iterator[tuple[Strips, Label]]:
    """Yield log-probabilities at the label's size, strip by strip, and the label.

    Log-probabilities are valid logits: their softmax is the probability.
    """
    classes = len(split.dataset.class_names)
    originals = (_original(split, index) for index in until_stopped(split.indices, stop))
    for group in _groups(predictor, originals, classes):
        images, labels = zip(*group, strict=True)
        sizes = [(label.shape[0], label.shape[1]) for label in labels]
        if len(group) == 1:
            yield predictor.strips(images[0], sizes[0], classes), labels[0]
            continue
        for predicted, label in zip(predictor.of_group(images, sizes), labels, strict=True):
            yield [(slice(None), predicted)], label


def _groups(
    predictor: Predictor, originals: Iterable[tuple[Image, Label]], classes: int
) -> Iterator[list[tuple[Image, Label]]]:
    """Yield the images and labels in their order, in groups that the network predicts together."""
    group: list[tuple[Image, Label]] = []
    room = 0
    for image, label in originals:
        most = predictor.group_size(image, (label.shape[0], label.shape[1]), classes)
        if group and (len(group) >= min(room, most) or not predictor.are_alike(group[0][0], image)):
            yield group
            group = []
        room = min(room, most) if group else most
        group.append((image, label))
    if group:
        yield group


def _original(split: LoadedSplit, index: int) -> tuple[Image, Label]:
    assert split.split != "train+val", "an index into train+val does not name one split's image"
    return split.dataset.load(split.split, index)


class _Tally:
    """Counts over the batches of one split.

    The counts stay on the device until the end, so that no batch waits for a copy to the CPU.

    Attributes:
        split: this process's shard of the images.
    """

    def __init__(self, split: LoadedSplit, process_group: ProcessGroup) -> None:
        self._process_group = process_group
        self._is_split = process_group.splits(len(split.names))
        self.split = shard_of(split, process_group)
        self.classes = len(split.dataset.class_names)
        self.ignore_index = split.dataset.ignore_index
        self.confusion = torch.zeros(self.classes, self.classes, dtype=torch.int64)
        self.outcomes: list[Tensor] = []
        self.loss_sums: list[Tensor] = []

    def add_image(self, strips: Strips, label: Label) -> None:
        """Add one image: the rows and the fp32 logits [1, C, h, W] of each strip, and the label."""
        before = len(self.outcomes)
        for rows, logits in strips:
            self.add(logits, torch.as_tensor(label[rows], device=logits.device).unsqueeze(0))
        outcomes, loss_sums = self.outcomes[before:], self.loss_sums[before:]
        self.outcomes[before:] = [torch.stack(outcomes).sum(dim=0)]
        self.loss_sums[before:] = [torch.stack(loss_sums).sum(dim=0)]

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Add a batch: fp32 logits [B, C, H, W] and labels [B, H, W]."""
        losses = F.cross_entropy(
            logits, labels.long(), ignore_index=self.ignore_index, reduction="none"
        )
        # the indices of `argmax`, in a fifth of its time on a CPU
        predictions = logits.max(dim=1).indices
        confusions = confusion_per_image(predictions, labels, self.classes, self.ignore_index)
        self.confusion = confusions.sum(dim=0) + self.confusion.to(confusions.device)
        self.outcomes.append(outcomes_per_image(confusions))
        self.loss_sums.append(losses.sum(dim=(1, 2), dtype=torch.float64))

    def scored(self) -> Scored:
        """Return the evaluation of the whole split, and the counts of each image."""
        tensors = self.confusion, torch.cat(self.outcomes), torch.cat(self.loss_sums)
        own = tuple(tensor.cpu().numpy() for tensor in tensors)
        # the shards are in rank order, so the counts of the images keep the split's order
        parts = self._process_group.all_gather(own) if self._is_split else [own]
        confusions, outcomes, sums = zip(*parts, strict=True)
        counts, loss_sums = np.concatenate(outcomes), np.concatenate(sums)
        evaluation = pooled_evaluation(np.sum(confusions, axis=0), float(loss_sums.sum()))
        # true positives and false negatives together are all valid pixels of a class
        pixels = (counts[:, :, 0] + counts[:, :, 2]).sum(axis=1)
        return evaluation, ImageCounts(counts.astype("uint32"), loss_sums, pixels)
