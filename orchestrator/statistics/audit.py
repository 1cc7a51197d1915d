"""Audit of a sweep's cuts: how many of the pruned trials would have beaten the winner?

Audited trials are drawn at random from all trials that were pruned by rank, so their share that
beats the winner estimates the share of all. Its interval is the exact one of Clopper and Pearson,
"The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial" (Biometrika
1934). It assumes draws with replacement. These draws are without, so the interval is too wide
rather than too narrow.

Winner and audited trials are compared with a seed that selected none of them: with the seed that
selected it, the winner would be flattered. One seed is noise: the share counts trials that are
ahead with this seed, some of them by chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LEVEL = 0.95


@dataclass(frozen=True)
class AuditResult:
    """The scores of audited trials compared with the winner's."""

    pruned: int
    """Trials that were pruned by rank, from which the audited ones were drawn."""
    n: int
    """Audited trials. Those that diverged are included: they do not beat the winner."""
    better: int
    """Audited trials with a better score than the winner."""
    share: float
    low: float
    """Lower bound, at 95 %, of the share of all pruned trials that beat the winner."""
    high: float
    """Upper bound of that share."""
    best: int | None
    """The best audited trial; None if none has a score."""
    margin: float | None
    """Score of the best audited trial minus the winner's; negative: worse. It is the largest of
    several differences, so it is too large on average."""
    regret: float
    """The margin, or 0 where it is negative."""


def assess_audit(
    audited: Mapping[int, float | None], winner: float, pruned: int
) -> AuditResult | None:
    """Compare audited trials with the winner; None if there are no audited trials.

    Args:
        audited: score by trial, higher is better; None for one that diverged.
        winner: score of the winner.
        pruned: the number of trials that they were drawn from.
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
    return AuditResult(pruned, len(audited), better, share, low, high, best, margin, regret)


def _interval(better: int, n: int, pruned: int) -> tuple[float, float]:
    if n == pruned:
        return better / n, better / n  # every pruned trial was audited: nothing is estimated
    from scipy import stats  # late: most sweeps have no audit

    interval = stats.binomtest(better, n).proportion_ci(LEVEL, method="exact")
    return float(interval.low), float(interval.high)
