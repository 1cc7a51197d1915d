"""Scores a network on a split: at the training size, or at the labels' own size."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.loader import LoadedSplit, fixed_batches
from trainer.metrics import confusion_per_image, outcomes_per_image, pooled_evaluation
from trainer.precision import Arithmetic
from trainer.results import Evaluation, ImageCounts
from trainer.stopping import Stop, until_stopped

Scored = tuple[Evaluation, ImageCounts]


@torch.inference_mode()
def evaluate(
    model: nn.Module, split: LoadedSplit, arithmetic: Arithmetic, *, batch_size: int, stop: Stop
) -> Scored:
    """Score at the training size. The model is left in evaluation mode.

    Raises:
        DataError: the split has no labelled pixel.
        Stopped: asked to leave.
    """
    model.eval()
    tally = _Tally(split)
    for images, labels in until_stopped(fixed_batches(split, batch_size), stop):
        tally.add(arithmetic.logits(model, images), labels.to(arithmetic.device))
    return tally.scored()


@torch.inference_mode()
def evaluate_original(
    model: nn.Module, split: LoadedSplit, arithmetic: Arithmetic, *, batch_size: int, stop: Stop
) -> Scored:
    """Score at each label's own size: the logits are upsampled to it, bilinearly.

    The model is left in evaluation mode.

    Raises:
        DataError: the split has no labelled pixel, or a file of it cannot be read.
        Stopped: asked to leave.
    """
    assert split.split != "train+val", "its images are of two splits"
    model.eval()
    tally = _Tally(split)
    originals = iter(split.indices)
    for images, _ in until_stopped(fixed_batches(split, batch_size), stop):
        for logits in arithmetic.logits(model, images).unsqueeze(1):
            _, label = split.dataset.load(split.split, next(originals))
            labels = torch.as_tensor(label, device=arithmetic.device).unsqueeze(0)
            size = labels.shape[-2:]
            upsampled = F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
            tally.add(upsampled, labels)
    return tally.scored()


class _Tally:
    """Sums over the batches of one split; numbers stay on the device until the end."""

    def __init__(self, split: LoadedSplit) -> None:
        self.classes = len(split.dataset.class_names)
        self.ignore_index = split.dataset.ignore_index
        self.confusion = torch.zeros(self.classes, self.classes, dtype=torch.int64)
        self.outcomes: list[Tensor] = []
        self.loss_sums: list[Tensor] = []

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Count fp32 logits [B, C, H, W] against labels [B, H, W]."""
        losses = F.cross_entropy(
            logits, labels.long(), ignore_index=self.ignore_index, reduction="none"
        )
        confusions = confusion_per_image(
            logits.argmax(dim=1), labels, self.classes, self.ignore_index
        )
        self.confusion = confusions.sum(dim=0) + self.confusion.to(confusions.device)
        self.outcomes.append(outcomes_per_image(confusions))
        self.loss_sums.append(losses.sum(dim=(1, 2), dtype=torch.float64))

    def scored(self) -> Scored:
        """Return the pooled scores and the counts of each image."""
        counts = torch.cat(self.outcomes).cpu().numpy()
        loss_sums = torch.cat(self.loss_sums).cpu().numpy()
        evaluation = pooled_evaluation(self.confusion.cpu().numpy(), float(loss_sums.sum()))
        pixels = (counts[:, :, 0] + counts[:, :, 2]).sum(axis=1)
        return evaluation, ImageCounts(counts.astype("uint32"), loss_sums, pixels)
