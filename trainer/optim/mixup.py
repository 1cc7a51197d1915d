"""Mixup and cutmix: two images in one, and a loss for the classes of both."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import torch
from torch import Tensor

from searchctl.trainer.core.seeds import derive_seed
from searchctl.trainer.ddp.group import SINGLE_PROCESS, ProcessGroup
from searchctl.trainer.settings.training import TrainSettings

Parts = Sequence[tuple[float, Tensor]]
"""Parts of the images, which sum to 1, and the labels of each: [B, 1, 1], or any, unmixed."""


class Mixup:
    """Mixes the training batches of one job, a function of (seed, images, epoch, batch) alone.

    Args:
        settings: `mixup` and `cutmix` are the alphas; both 0 leave batches as they are.
        seed: the sweep's seed.
        images: number of training images of the job.
        process_group: the processes of the job. Each is given whole batches, as any two images of
            one may be mixed, and returns its part of the mixture.
    """

    def __init__(
        self,
        settings: TrainSettings,
        *,
        seed: int,
        images: int,
        process_group: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        self._mixup, self._cutmix = settings.mixup, settings.cutmix
        self._seed, self._images = seed, images
        self._process_group = process_group

    def __call__(
        self, images: Tensor, labels: Tensor, *, epoch: int, batch: int
    ) -> tuple[Tensor, Parts]:
        """Return the images of a batch, counted from 1, and their contents."""
        if not (self._mixup or self._cutmix):
            return images, [(1.0, labels)]
        rng = np.random.default_rng(derive_seed(self._seed, "mix", self._images, epoch, batch))
        mixed, parts = mix(images, labels, rng, mixup=self._mixup, cutmix=self._cutmix)
        mine = self._process_group.shard(range(len(images)))
        own = slice(mine.start, mine.stop)
        return mixed[own], [(share, of_part[own]) for share, of_part in parts]


UNMIXED = Mixup(TrainSettings(), seed=0, images=0)
"""Leaves batches as they are."""


def mix(
    images: Tensor, labels: Tensor, rng: np.random.Generator, *, mixup: float, cutmix: float
) -> tuple[Tensor, Parts]:
    """Mix each image with another one of the batch, all in the same way.

    The loss of the mixture is the sum of each part times the loss with the part's labels.

    Args:
        images: uint8 [B, 3, H, W].
        labels: uint8 [B, 1, 1].
        rng: what is drawn.
        mixup: alpha of mixup; 0 is off.
        cutmix: alpha of cutmix; 0 is off. With both on, each batch has one, with equal odds.

    Returns:
        The mixed images on the scale of the given ones: float32 where they are blended, so that
        nothing is rounded to whole pixel values. And the parts with their labels.
    """
    others = torch.from_numpy(rng.permutation(len(images))).to(images.device)
    pastes = rng.random() < 0.5 if mixup and cutmix else bool(cutmix)
    alpha = cutmix if pastes else mixup
    how = _pasted if pastes else _blended
    mixed, share = how(images, images[others], float(rng.beta(alpha, alpha)), rng)
    return mixed, [(share, labels), (1 - share, labels[others])]


def _blended(
    images: Tensor, others: Tensor, share: float, rng: np.random.Generator
) -> tuple[Tensor, float]:
    """Zhang et al., 'mixup: Beyond Empirical Risk Minimization' (2018), section 2."""
    return share * images.float() + (1 - share) * others.float(), share


def _pasted(
    images: Tensor, others: Tensor, share: float, rng: np.random.Generator
) -> tuple[Tensor, float]:
    """Yun et al., 'CutMix' (2019), section 3.1.

    The rectangle has the shape of the image and its centre anywhere; what is beyond the border is
    cut off, and the share is that of the pixels that are really left.
    """
    (top, bottom), (left, right) = (_span(side, sqrt(1 - share), rng) for side in images.shape[-2:])
    pasted = images.clone()
    pasted[..., top:bottom, left:right] = others[..., top:bottom, left:right]
    height, width = images.shape[-2:]
    return pasted, 1 - (bottom - top) * (right - left) / (height * width)


def _span(side: int, part: float, rng: np.random.Generator) -> tuple[int, int]:
    """Return the beginning and the end of a rectangle along one side of the image."""
    centre, half = rng.integers(side), side * part / 2
    return max(0, round(centre - half)), min(side, round(centre + half))
