"""An exponential moving average of a network, to be scored and kept in its place."""

import copy
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from searchctl.trainer.models.base import SegmentationModel


class Average:
    """The average of a network over its optimizer steps, of which the newest count most.

    After every step, average = decay * average + (1 - decay) * network (Tarvainen and Valpola,
    'Mean teachers are better role models', 2017). After t steps the decay is at most
    (1 + t) / (10 + t), as in TensorFlow's ExponentialMovingAverage: however few steps there are,
    the weights of the beginning are soon forgotten.

    BatchNorm's statistics are averaged with the weights that they belong to.

    Args:
        model: on its device, in fp32; the average lies beside it.
        decay: what the average keeps of itself in a step, after many steps.
    """

    # Not torch.optim.swa_utils.AveragedModel: it averages whole numbers too, which turns 7 into
    # 6.9999995 and that into 6 (counts, and SwinV2's table of positions), and a GPU would wait for
    # the CPU in every step.

    def __init__(self, model: SegmentationModel, decay: float) -> None:
        self.model = copy.deepcopy(model)
        self._decay = decay
        self._steps = 0

    def update(self, model: SegmentationModel) -> None:
        """Take note of the network after one more optimizer step."""
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        floats: list[tuple[Tensor, Tensor]] = []
        for average, value in zip(_tensors(self.model), _tensors(model), strict=True):
            if average.is_floating_point():
                floats.append((average, value))
            else:
                average.copy_(value)
        averages, values = map(list, zip(*floats, strict=True))
        get_ema_multi_avg_fn(decay)(averages, values, None)  # type: ignore[no-untyped-call]
        self._steps += 1

    def state_dict(self) -> dict[str, Any]:
        """Return all of it as tensors, numbers and containers of these."""
        return {"steps": self._steps, "model": dict(self.model.state_dict())}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from the state of another average of the same network."""
        self._steps = state["steps"]
        self.model.load_state_dict(state["model"])


def _tensors(model: SegmentationModel) -> Iterator[Tensor]:
    return (tensor.detach() for tensor in chain(model.parameters(), model.buffers()))
