"""A loss that is not ours, as one of ours: a class of nn.Module, or a function of two tensors."""

import inspect
from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.losses.base import Loss
from searchctl.trainer.own_code.calls import (
    accepted,
    accepts,
    checked_call,
    import_object,
    own_errors,
)
from searchctl.trainer.settings.catalog import part_named
from searchctl.trainer.settings.source.own import CLASSES, OwnOptions, OwnPart
from searchctl.trainer.settings.training import TrainSettings

IGNORE = "ignore_index"
IGNORED = 255
"""Label of pixels without a class in all data sets."""


class OwnLoss(Loss):
    """A user's loss behind the interface of ours.

    A class is made with its arguments and then called with (logits, labels); a function is called
    with (logits, labels) and its arguments. Logits are float32 [B, C, H, W], labels int64
    [B, H, W]. `ignore_index`, the number of classes and `pixel_counts` are given to parameters of
    these names.

    Args:
        options: the import path and the arguments.
        ignore_index: label value that is left out.
        pixel_counts: [images, classes] valid pixels of each class in each image of the sample.

    Raises:
        SettingsError: it cannot be imported or built.
    """

    def __init__(self, options: OwnOptions, *, ignore_index: int, pixel_counts: Tensor) -> None:
        super().__init__(options, ignore_index=ignore_index, pixel_counts=pixel_counts)
        self.where = options.where
        target = import_object(options.where)
        given: dict[tuple[str, ...], object] = {
            (IGNORE,): ignore_index,
            CLASSES: pixel_counts.shape[1],
            ("pixel_counts",): pixel_counts,
        }
        args = accepted(target, given, options.args)
        if inspect.isclass(target):
            self.loss = checked_call(options.where, target, **args)
        else:
            self.loss = partial(target, **args)
        called = self.loss.forward if isinstance(self.loss, nn.Module) else self.loss
        self._called_with = {IGNORE: ignore_index} if _needs(called, args) else {}
        self.leaves_out_ignored = bool(self._called_with) or args.get(IGNORE) == ignore_index
        """Whether it is given the label to leave out."""

    def compute(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of fp32 logits and int64 labels.

        Raises:
            SettingsError: it fails or returns no scalar, or labels have ignored pixels and it is
                not given their value.
        """
        if not self.leaves_out_ignored and bool((labels == self.ignore_index).any()):
            raise SettingsError(f"{self.where} {_unlabeled_problem(self.ignore_index)}")
        logits, labels = self.gather(logits), self.gather(labels)
        if self.leaves_out_ignored and bool((labels == self.ignore_index).all()):
            return logits.sum() * 0.0  # a mean over no pixel would be 0 / 0
        with own_errors(self.where):
            value = self.loss(logits, labels, **self._called_with)
        if not isinstance(value, Tensor) or value.numel() != 1:
            raise SettingsError(f"{self.where} returns {_shown(value)}: return a scalar tensor")
        return value.reshape(())


def unlabeled_problems(settings: Iterable[TrainSettings]) -> list[str]:
    """Return which own losses of trials cannot leave out pixels that have no class."""
    named = {(each.loss, repr(each.loss_args)): each for each in settings}
    problems = []
    for each in named.values():
        part = part_named("loss", each.loss)
        if isinstance(part, OwnPart):
            loss = OwnLoss(
                part.options_in(each), ignore_index=IGNORED, pixel_counts=torch.ones(1, 2)
            )
            if not loss.leaves_out_ignored:
                problems.append(f"{loss.where} {_unlabeled_problem(IGNORED)}")
    return list(dict.fromkeys(problems))


def _unlabeled_problem(ignore_index: int) -> str:
    return (
        f"has no parameter {IGNORE}, and some pixels have no class (label {ignore_index}): give it "
        "one, and leave pixels with that label out of the loss"
    )


def _needs(called: Any, args: dict[str, Any]) -> bool:
    """Return whether the call itself has to be given the ignored label."""
    return IGNORE not in args and accepts(called, IGNORE)


def _shown(value: object) -> str:
    return str(list(value.shape)) if isinstance(value, Tensor) else type(value).__name__
