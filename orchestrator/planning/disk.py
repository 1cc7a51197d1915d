"""How much disk a sweep's checkpoints and kept weights take, pure; retention.py says what is kept.

Torch-free: what a weight takes follows from the settings, how many weights there are from a probe.
"""

from dataclasses import dataclass

from searchctl.orchestrator.halving.rule import Ladder
from searchctl.trainer.settings.training import TrainSettings

WEIGHT_BYTES = 4
"""Weights stay fp32 on any device."""
_STATES = {"adam": 2, "adamw": 2, "adamax": 2, "sgd": 1}
"""Numbers that an optimizer remembers for each weight that it trains."""


@dataclass(frozen=True)
class Disk:
    """Bytes of a sweep's checkpoints and weights; pictures and logs are not reckoned."""

    peak: int
    """The most at any time, if no attempt is lost."""
    kept: int
    """What is left at the end: the finalists' weights."""


def checkpoint_bytes_per_weight(settings: TrainSettings) -> int:
    """Return the most bytes that a checkpoint takes for each weight of a network.

    The network, what the optimizer remembers, the average if there is one, and the best epoch.

    >>> checkpoint_bytes_per_weight(TrainSettings())
    16
    """
    states = _STATES[settings.optimizer]
    if settings.optimizer == "sgd" and not settings.momentum:
        states = 0
    if settings.optimizer in ("adam", "adamw"):
        states += settings.amsgrad
    best = settings.epochs > 1
    return WEIGHT_BYTES * (1 + states + best + (settings.ema is not None))


def most_kept(ladder: Ladder, *, warm: bool) -> int:
    """Return how many trials' weights are kept at once, at most.

    The finalists'; with `continue: warm` those of a whole rung, which wait for its decisions.
    """
    return max(rung.trials for rung in (ladder.rungs if warm else ladder.rungs[-1:]))


def disk_of(
    ladder: Ladder, *, warm: bool, parallel: int, checkpoint_bytes: int, weights_bytes: int
) -> Disk:
    """Return what a sweep's files take.

    Args:
        ladder: its rungs.
        warm: a job begins with the weights of the rung below, which are kept until then.
        parallel: jobs at a time.
        checkpoint_bytes: of the largest checkpoint; a new one is whole before the old one goes.
        weights_bytes: of the largest network's weights.
    """
    running = 2 * checkpoint_bytes * min(parallel, ladder.trials)
    peak = running + weights_bytes * most_kept(ladder, warm=warm)
    return Disk(peak, weights_bytes * ladder.rungs[-1].trials)
