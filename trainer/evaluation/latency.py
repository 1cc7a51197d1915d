"""How long a trained network takes for one image: what whoever uses it will wait for."""

import time
from statistics import median

import torch
from torch import Tensor, nn

from searchctl.trainer.run.precision import Arithmetic

LONGEST_S = 0.5
"""So long is measured at most,"""
SHARE_OF_JOB = 0.02
"""and for this share of the job's time at most,"""
FEWEST = 4
"""but for so many passes in any case,"""
MOST = 100
"""and no more than so many."""


@torch.inference_mode()
def latency_ms(
    model: nn.Module, image: Tensor, arithmetic: Arithmetic, *, job_seconds: float
) -> float:
    """Return the median milliseconds of a pass over one image that is on the device already.

    The network is run as it is scored: in evaluation mode, in which it is left, and in the same
    number format and memory layout. The first fifth of the passes warms up and is not counted. No
    random number is drawn, and no statistics of batch normalisation change. Other work of the
    machine is measured with it, which the median keeps out as long as it comes and goes.

    Args:
        model: on its device.
        image: uint8 [1, 3, H, W] at the training size.
        arithmetic: in which it is scored.
        job_seconds: what the job has taken so far, by which the measurement is bounded.
    """
    model.eval()
    image = image.to(arithmetic.device)
    end = time.perf_counter() + min(LONGEST_S, SHARE_OF_JOB * job_seconds)
    took: list[float] = []
    while len(took) < FEWEST or (len(took) < MOST and time.perf_counter() < end):
        began = _now(arithmetic.device)
        arithmetic.logits(model, image)
        took.append(_now(arithmetic.device) - began)
    return 1000 * median(took[max(1, len(took) // 5) :])


def _now(device: torch.device) -> float:
    """Return the time, once all that the device was asked for is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
