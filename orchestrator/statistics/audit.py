"""What an audit says of a sweep's cuts: how many of the pruned would have beaten the winner?

The audited are drawn at random from all that were pruned by rank, so the share of them that beat
the winner estimates that of all. Its interval is the exact one of Clopper and Pearson, "The Use of
Confidence or Fiducial Limits Illustrated in the Case of the Binomial" (Biometrika 1934). It is for
draws with replacement: without, as here, it is wider than it need be, never too narrow.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True)
class Verdict:
    """How audited trials did beside the winner."""

    pruned: int
    """Trials that were pruned by rank, from which the audited were drawn."""
    n: int
    """Audited trials, those that diverged among them: they do not beat it."""
    better: int
    """How many have a better score than the winner."""
    share: float
    low: float
    """The least share of all pruned trials that the audit leaves possible, at 95 %."""
    high: float
    best: int | None
    """The best of the audited; None if none has a score."""
    margin: float | None
    """How much better the best one's score is than the winner's; negative: worse."""
    regret: float
    """How much better a score than the winner's is known to have been missed; 0 if none is."""


def judge_audit(audited: Mapping[int, float | None], winner: float, pruned: int) -> Verdict | None:
    """Compare audited trials with the winner; None where there is none.

    Args:
        audited: score by trial, higher is better; None for one that diverged.
        winner: score of the winner.
        pruned: from how many trials they were drawn.
    """
    if not audited:
        return None
    scores = {trial: score for trial, score in audited.items() if score is not None}
    better = sum(score > winner for score in scores.values())
    best = max(scores, key=lambda trial: scores[trial]) if scores else None
    margin = None if best is None else scores[best] - winner
    low, high = _interval(better, len(audited), pruned)
    share = better / len(audited)
    regret = max(0.0, margin or 0.0)
    return Verdict(pruned, len(audited), better, share, low, high, best, margin, regret)


def _interval(better: int, n: int, pruned: int) -> tuple[float, float]:
    if n == pruned:
        return better / n, better / n  # nobody is left to guess about
    interval = stats.binomtest(better, n).proportion_ci(LEVEL, method="exact")
    return float(interval.low), float(interval.high)
