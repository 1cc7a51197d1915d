"""Disk space of a sweep's checkpoints and kept weights, pure (see artifacts/retention.py).

It does not import torch: bytes per weight follow from the settings, the number of weights from a
probe.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from searchctl.orchestrator.halving.rule import Ladder
from searchctl.trainer.settings.catalog import part_named
from searchctl.trainer.settings.source.own import OwnPart
from searchctl.trainer.settings.training import TrainSettings

WEIGHT_BYTES = 4
"""Weights are stored as fp32 on any device."""
MOMENTS = 2
"""Numbers for each weight that an own optimizer is taken to remember: Adam's two moments."""


@dataclass(frozen=True)
class Disk:
    """Bytes of a sweep's checkpoints and weights, without pictures and logs."""

    peak: int
    """Maximum at any time, if no attempt is lost."""
    kept: int
    """Bytes at the end: the finalists' weights."""


def checkpoint_bytes_per_weight(settings: TrainSettings) -> int:
    """Return the maximum size of a checkpoint, in bytes per weight of the network.

    It has the weights, the optimizer state, the EMA weights if used, and those of the best epoch.

    >>> checkpoint_bytes_per_weight(TrainSettings())
    16
    """
    part = part_named("optimizer", settings.optimizer)
    own = isinstance(part, OwnPart)
    states: int = MOMENTS if own else part.options_in(settings).states
    best = settings.epochs > 1
    return WEIGHT_BYTES * (1 + states + best + (settings.ema is not None))


def most_kept(ladder: Ladder, *, warm: bool) -> int:
    """Return the maximum number of trials whose weights are kept at the same time.

    These are the finalists; with `continue: warm`, all trials of a rung until its decisions.
    """
    return max(rung.trials for rung in (ladder.rungs if warm else ladder.rungs[-1:]))


def disk_of(
    ladders: Sequence[Ladder],
    *,
    warm: bool,
    parallel: int,
    checkpoint_bytes: int,
    weights_bytes: int,
) -> Disk:
    """Return the disk space of a sweep's files.

    Args:
        ladders: the rungs of each cohort.
        warm: whether a job starts from the weights of the rung below, which are kept until then.
        parallel: number of jobs at a time.
        checkpoint_bytes: size of the largest checkpoint.
        weights_bytes: size of the largest network's weights.
    """
    # Two checkpoints per job: a new one is complete before the old one is removed.
    running = 2 * checkpoint_bytes * min(parallel, max(ladder.trials for ladder in ladders))
    peak = running + weights_bytes * sum(most_kept(ladder, warm=warm) for ladder in ladders)
    return Disk(peak, weights_bytes * sum(ladder.rungs[-1].trials for ladder in ladders))
