"""What holds of every loss, ours or the user's."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from searchctl.trainer.checks.base import Check, CheckFailed
from searchctl.trainer.losses.base import Loss

IGNORED = 255
_STEPS = 20


@dataclass(frozen=True)
class LossCase:
    """A loss to check; it is made for these classes and leaves out the label 255."""

    loss: Loss
    classes: int
    takes_ignored: bool = True
    """Whether it is given a label to leave out; our own are."""

    def batch(self) -> tuple[Tensor, Tensor]:
        """Return logits and labels with every class, and some ignored pixels where it may be."""
        noise = torch.Generator().manual_seed(0)
        labels = torch.randint(0, self.classes, (2, 8, 9), generator=noise, dtype=torch.uint8)
        if self.takes_ignored:
            labels[:, :2] = IGNORED
        return torch.randn(2, self.classes, 8, 9, generator=noise), labels


def _perfect(case: LossCase, labels: Tensor) -> Tensor:
    known = labels.where(labels != IGNORED, 0).long()
    return 50.0 * F.one_hot(known, case.classes).movedim(-1, 1).float()


def it_is_a_finite_scalar(case: LossCase) -> None:
    """The loss of random logits is a finite number, with a finite gradient that is not all zero."""
    logits, labels = case.batch()
    logits.requires_grad_()
    value = case.loss(logits, labels)
    if value.shape != () or not value.isfinite():
        raise CheckFailed(f"it is {value}: return one finite number")
    if not value.requires_grad:
        raise CheckFailed("it has no gradient: compute it from the logits, without argmax or numpy")
    torch.autograd.backward(value)
    assert logits.grad is not None, "a leaf that a loss depends on"
    if not logits.grad.isfinite().all() or not logits.grad.any():
        raise CheckFailed("its gradient is zero, NaN or infinite for random logits")


def perfect_predictions_cost_least(case: LossCase) -> None:
    """A perfect prediction costs less than a wrong one."""
    _, labels = case.batch()
    perfect = _perfect(case, labels)
    right, wrong = case.loss(perfect, labels), case.loss(perfect.roll(1, dims=1), labels)
    if not right < wrong:
        raise CheckFailed(
            f"a perfect prediction costs {right.item():.4g} and a wrong one {wrong.item():.4g}: "
            "lower must be better"
        )


def ignored_pixels_count_for_nothing(case: LossCase) -> str | None:
    """Logits of pixels without a class change neither the loss nor the gradient."""
    if not case.takes_ignored:
        return "it has no parameter ignore_index: data with pixels of no class are refused"
    logits, labels = case.batch()
    ignored = (labels == IGNORED).unsqueeze(1)
    other = logits.masked_fill(ignored, 7.0).requires_grad_()
    value = case.loss(other, labels)
    torch.autograd.backward(value)
    if not torch.allclose(value, case.loss(logits, labels)):
        raise CheckFailed("pixels with the label ignore_index change it: leave them out")
    assert other.grad is not None, "a leaf that a loss depends on"
    if other.grad[ignored.expand_as(other)].any():
        raise CheckFailed("pixels with the label ignore_index have a gradient: leave them out")
    return None


def a_batch_without_labels_is_finite(case: LossCase) -> str | None:
    """A batch without a valid pixel gives a finite loss and gradient, not 0 / 0."""
    if not case.takes_ignored:
        return None
    logits, labels = case.batch()
    logits.requires_grad_()
    value = case.loss(logits, torch.full_like(labels, IGNORED))
    if not value.isfinite():
        raise CheckFailed("it is NaN for a batch without labels: divide by clamp(min=1)")
    if value.requires_grad:
        torch.autograd.backward(value)
    if logits.grad is not None and not logits.grad.isfinite().all():
        raise CheckFailed("its gradient is NaN for a batch without labels: divide by clamp(min=1)")
    return None


def an_absent_class_is_finite(case: LossCase) -> None:
    """A batch without some class has a finite gradient."""
    logits, labels = case.batch()
    logits.requires_grad_()
    torch.autograd.backward(case.loss(logits, labels.where(labels != 1, 0)))
    assert logits.grad is not None, "a leaf that a loss depends on"
    if not logits.grad.isfinite().all():
        raise CheckFailed("its gradient is NaN where a class is absent: guard its divisions")


def its_gradient_leads_down(case: LossCase) -> None:
    """Twenty small steps along the gradient lower the loss."""
    logits, labels = case.batch()
    logits.requires_grad_()
    first = last = case.loss(logits, labels).item()
    for _ in range(_STEPS):
        (gradient,) = torch.autograd.grad(case.loss(logits, labels), logits)
        logits = (logits - gradient / gradient.norm().clamp(min=1e-12)).detach().requires_grad_()
        last = case.loss(logits, labels).item()
    if not last < first:
        raise CheckFailed(
            f"{_STEPS} steps along its gradient change it from {first:.4g} to {last:.4g}"
        )


def it_repeats(case: LossCase) -> None:
    """The same batch has the same loss."""
    logits, labels = case.batch()
    if case.loss(logits, labels) != case.loss(logits, labels):
        raise CheckFailed("one batch has two losses: keep no state, and draw nothing at random")


LOSS_CHECKS: dict[str, Check[LossCase]] = {
    "a finite scalar with a gradient": Check(it_is_a_finite_scalar),
    "a perfect prediction costs least": Check(perfect_predictions_cost_least),
    "pixels without a class count for nothing": Check(ignored_pixels_count_for_nothing),
    "a batch without labels is finite": Check(a_batch_without_labels_is_finite),
    "a class that is absent is finite": Check(an_absent_class_is_finite),
    "its gradient leads down": Check(its_gradient_leads_down),
    "one batch has one loss": Check(it_repeats),
}
"""What is checked -> the check, in the order in which they run."""
