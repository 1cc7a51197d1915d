"""What holds of every optimizer and LR schedule, ours or the user's."""

import io
import math
from dataclasses import dataclass

import torch
from torch.optim import Optimizer

from searchctl.trainer.checks.base import Check, CheckFailed
from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.models.networks.simple_fcn import SimpleFCN
from searchctl.trainer.optim.lr_schedules import LRSchedule, build_lr_schedule
from searchctl.trainer.optim.optimizers import build_optimizer
from searchctl.trainer.settings.training import TrainSettings

_EPOCHS, _STEPS = 3, 4


@dataclass(frozen=True)
class OptimizerCase:
    """Settings whose optimizer or LR schedule is checked."""

    settings: TrainSettings

    def made(self) -> tuple[SegmentationModel, Optimizer]:
        """Return a small network, the same each time, with the optimizer of its weights."""
        torch.manual_seed(0)
        model = SimpleFCN(3, width=8)
        settings = self.settings.model_copy(update={"encoder_lr_scale": 0.5, "finetune": "all"})
        return model, build_optimizer(settings, model)

    def scheduled(self) -> tuple[SegmentationModel, Optimizer, LRSchedule]:
        """Return the same with the LR schedule of three epochs of four steps."""
        settings = self.settings.model_copy(update={"epochs": _EPOCHS, "lr_warmup": 0})
        model, optimizer = self.made()
        schedule = build_lr_schedule(optimizer, settings, steps=_STEPS, higher_is_better=True)
        return model, optimizer, schedule


def _step(model: SegmentationModel, optimizer: Optimizer) -> None:
    noise = torch.Generator().manual_seed(3)
    images = torch.randn(2, 3, 32, 32, generator=noise)
    loss = model.eval()(images).square().mean()
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    optimizer.step()


def learning_rates_are_those_of_the_settings(case: OptimizerCase) -> None:
    """Groups have the learning rate of the settings, and the encoder's scaled one."""
    _, optimizer = case.made()
    rates = [group["lr"] for group in optimizer.param_groups]
    lr = case.settings.lr
    if rates != [lr, lr * 0.5]:
        raise CheckFailed(f"its groups have the learning rates {rates}, not {[lr, lr * 0.5]}")


def steps_change_weights(case: OptimizerCase) -> None:
    """Five steps change every weight and leave it finite."""
    model, optimizer = case.made()
    before = {name: each.detach().clone() for name, each in model.named_parameters()}
    for _ in range(5):
        _step(model, optimizer)
    after = dict(model.named_parameters())
    if any(not each.isfinite().all() for each in after.values()):
        raise CheckFailed("weights are NaN or infinite after five steps")
    same = [name for name in before if torch.equal(before[name], after[name])]
    if same:
        raise CheckFailed(f"five steps do not change {', '.join(same[:5])}")


def training_resumes_exactly(case: OptimizerCase) -> None:
    """A training that is restored from its state takes the same next step."""
    model, optimizer = case.made()
    for _ in range(2):
        _step(model, optimizer)
    other, restored = case.made()
    other.load_state_dict(model.state_dict())
    restored.load_state_dict(_through_a_file(optimizer.state_dict()))
    _step(model, optimizer)
    _step(other, restored)
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    if not all(torch.equal(*pair) for pair in pairs):
        raise CheckFailed(
            "a training that is resumed continues differently: keep all that it remembers in "
            "optimizer.state, as tensors and numbers"
        )


def _through_a_file(state: object) -> dict[str, object]:
    """Return what a checkpoint gives back: tensors, numbers and containers alone."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    try:
        read: dict[str, object] = torch.load(file, weights_only=True)
    except Exception as error:
        raise CheckFailed(
            f"its state_dict() holds more than tensors, numbers and containers: {error}"
        ) from error
    return read


def _rates(model: SegmentationModel, optimizer: Optimizer, schedule: LRSchedule) -> list[float]:
    """Return the learning rate of each step."""
    rates = []
    for epoch in range(_EPOCHS):
        for _ in range(_STEPS):
            rates.append(float(optimizer.param_groups[0]["lr"]))
            _step(model, optimizer)
            schedule.after_step()
        schedule.after_epoch(float(epoch))
    return rates


def rates_are_finite(case: OptimizerCase) -> str:
    """The learning rate is finite and not negative at every step, and above 0 at some."""
    rates = _rates(*case.scheduled())
    if not all(math.isfinite(rate) and rate >= 0 for rate in rates) or not any(rates):
        raise CheckFailed(f"its learning rates are {rates}: they must be finite, and not negative")
    return f"{rates[0]:.3g} to {rates[-1]:.3g} over {_EPOCHS * _STEPS} steps"


def a_schedule_resumes_exactly(case: OptimizerCase) -> None:
    """A schedule that is restored from its state gives the same rates."""
    model, optimizer, schedule = case.scheduled()
    for _ in range(_STEPS):
        _step(model, optimizer)
        schedule.after_step()
    _, again, restored = case.scheduled()
    again.load_state_dict(_through_a_file(optimizer.state_dict()))
    restored.load_state_dict(dict(_through_a_file(schedule.state_dict())))
    for each in (schedule, restored):
        each.after_step()
    rates = [float(each.param_groups[0]["lr"]) for each in (optimizer, again)]
    if rates[0] != rates[1]:
        raise CheckFailed(
            f"a schedule that is resumed has the learning rate {rates[1]:g}, not {rates[0]:g}: "
            "derive it from torch's LRScheduler, whose state is kept"
        )


OPTIMIZER_CHECKS: dict[str, Check[OptimizerCase]] = {
    "learning rates are those of the settings": Check(learning_rates_are_those_of_the_settings),
    "steps change every weight": Check(steps_change_weights),
    "training resumes exactly": Check(training_resumes_exactly),
}
"""What is checked of an optimizer -> the check, in the order in which they run."""

LR_SCHEDULE_CHECKS: dict[str, Check[OptimizerCase]] = {
    "learning rates are finite": Check(rates_are_finite),
    "a schedule resumes exactly": Check(a_schedule_resumes_exactly),
}
"""What is checked of an LR schedule -> the check, in the order in which they run."""
