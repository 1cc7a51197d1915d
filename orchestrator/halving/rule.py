"""The halving rule, pure: the rungs and their data fractions. cut.py has the cut at each rung.

Successive halving (Jamieson & Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter
Optimization", AISTATS 2016, algorithm 1). The resource is the fraction of the training images. The
arithmetic uses integers and exact fractions only, because a float logarithm loses a rung at 243
trials and eta 3.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

Direction = Literal["maximize", "minimize"]
Keep = Literal["floor", "ceil", "all"]
"""How a cut rounds; all: nothing is cut, and every trial runs on every rung."""
Verdict = Literal["promoted", "pruned", "complete", "diverged", "failed"]
"""The decision on a trial at a rung. promoted: continues on the next rung, since it is ranked above
the cut or protected. pruned: ranked below the cut. complete: ranked on the last rung. diverged,
failed: no finite score, never promoted."""


@dataclass(frozen=True)
class Rung:
    """One level of the ladder, as planned."""

    number: int
    trials: int
    """Number of trials; fewer are trained if too few of the rung below have a finite score."""
    fraction: Fraction
    """Fraction of the training images."""
    images: int
    """Number of training images."""


@dataclass(frozen=True)
class Ladder:
    """All rungs of a bracket, known before the start. The last one uses all of the data."""

    rungs: tuple[Rung, ...]
    warnings: tuple[str, ...] = ()

    @property
    def trials(self) -> int:
        """Number of trials on the first rung."""
        return self.rungs[0].trials

    @property
    def full_trainings(self) -> Fraction:
        """Cost of the whole ladder, in units of one training on all of the data."""
        return sum((rung.trials * rung.fraction for rung in self.rungs), start=Fraction(0))


@dataclass(frozen=True)
class Outcome:
    """The result of a job, as far as the bracket needs it."""

    trial: int
    rung: int
    score: float | None
    """The score; None or a non-finite number for a diverged or failed job."""
    failed: bool = False
    """Whether the job failed. Without a finite score and not failed means diverged."""
    seconds: float = 0.0
    """Duration of the job. It sets the starting order of survivors, and no decision."""
    violation: str = ""
    """Which limits it exceeds, in words (limits.py); empty if it exceeds none."""
    note: str = field(compare=False, default="")
    """What differs from the job's settings, for the reason of the decision."""

    @property
    def finite(self) -> bool:
        """Whether the score can be ranked."""
        return not self.failed and self.score is not None and math.isfinite(self.score)


@dataclass(frozen=True)
class Decision:
    """The decision on one trial at one rung, with its evidence."""

    trial: int
    rung: int
    verdict: Verdict
    score: float | None
    rank: int | None
    """Rank on the rung, 1 is the best; None without a finite score."""
    cohort: int
    """Number of trials that were compared, those without a finite score included."""
    kept: int
    """Number of trials that are ranked above the cut (on the last rung: that completed)."""
    cutoff: float | None
    """Score of the last trial that was kept."""
    margin: float | None
    """How much better the score is than the nearest one on the other side of the cut. Positive for
    promoted trials, zero (a tie) or negative for those below the cut. None if no trial was cut, or
    if the limits decide between the two, and not the scores."""
    reason: str = field(compare=False, default="")
    """The decision in words."""
    violation: str = ""
    """Which limits the trial exceeds, in words; such trials are ranked below all others."""

    @property
    def spared(self) -> bool:
        """Whether the trial is promoted only because it is protected."""
        return self.verdict == "promoted" and self.rank is not None and self.rank > self.kept


def keep_count(trials: int, *, eta: int, finalists: int, keep: Keep = "floor") -> int:
    """Return how many of `trials` survive a cut, never fewer than `finalists`.

    >>> [keep_count(n, eta=2, finalists=2) for n in (36, 18, 9, 4)]
    [18, 9, 4, 2]
    >>> [keep_count(n, eta=2, finalists=2, keep="ceil") for n in (36, 18, 9, 5, 3)]
    [18, 9, 5, 3, 2]
    """
    return max(finalists, -(-trials // eta) if keep == "ceil" else trials // eta)


def rung_counts(trials: int, *, eta: int, finalists: int, keep: Keep = "floor") -> tuple[int, ...]:
    """Return the number of trials of each rung, from all of them down to the finalists.

    >>> rung_counts(243, eta=3, finalists=1)
    (243, 81, 27, 9, 3, 1)
    """
    counts = [trials]
    while counts[-1] > finalists:
        counts.append(keep_count(counts[-1], eta=eta, finalists=finalists, keep=keep))
    return tuple(counts)


def plan_ladder(
    trials: int,
    images: int,
    *,
    eta: int = 2,
    finalists: int = 2,
    keep: Keep = "floor",
    min_fraction: Fraction | None = None,
    fractions: Sequence[Fraction] | None = None,
    min_images: int = 1,
    protected: int = 0,
) -> Ladder:
    """Plan the whole ladder.

    Fractions are anchored at the top: the last rung has fraction 1, the one below 1/eta, and so on.
    The last cut of a shortened ladder goes straight to the finalists. Rungs with the same number
    of images are merged, with a warning.

    Args:
        trials: number of trials on the first rung.
        images: number of training images.
        eta: factor by which a cut reduces the trials.
        finalists: number of trials on the last rung.
        keep: how a cut rounds, or that nothing is cut.
        min_fraction: smallest fraction; lower rungs are left out.
        fractions: fractions of all rungs, in place of the computed ones.
        min_images: least number of images of a rung (the largest batch size).
        protected: number of trials that stay on the ladder to the end, beside the others.

    Raises:
        ValueError: trials, images or finalists are below 1, or eta is below 2.
    """
    if min(trials, images, finalists) < 1 or eta < 2:
        raise ValueError("a ladder needs 1 trial, 1 image and 1 finalist or more, and eta >= 2")
    warnings = []
    counts = rung_counts(trials, eta=eta, finalists=finalists, keep=keep)
    if finalists >= trials and keep != "all":
        warnings.append(f"finalists {finalists} >= trials {trials}: one rung on all of the data")
    shares = tuple(fractions) if fractions else _shares(len(counts), eta, min_fraction)
    if keep == "all":
        counts = (trials,) * len(shares)
    if len(shares) > len(counts):
        left_out = ", ".join(map(str, shares[: -len(counts)]))
        warnings.append(f"{trials} trials need {len(counts)} rungs: unused fractions {left_out}")
        shares = shares[-len(counts) :]
    if len(shares) < len(counts):  # a shortened ladder: its last cut goes to the finalists
        counts = (trials, *counts[1 : len(shares) - 1], finalists)[: len(shares)]
    counts = (trials, *(min(count + protected, trials) for count in counts[1:]))
    rungs = [
        _rung(number, count, share, images, min_images)
        for number, (count, share) in enumerate(zip(counts, shares, strict=True))
    ]
    merged = _merge(rungs, warnings)
    return Ladder(tuple(replace(r, number=i) for i, r in enumerate(merged)), tuple(warnings))


def _shares(rungs: int, eta: int, min_fraction: Fraction | None) -> tuple[Fraction, ...]:
    shares = [Fraction(1, eta**below) for below in reversed(range(rungs))]
    return tuple(share for share in shares if min_fraction is None or share >= min_fraction)


def _rung(number: int, trials: int, share: Fraction, images: int, min_images: int) -> Rung:
    count = math.ceil(share * images)
    if count < min_images:
        count = min(min_images, images)
        share = Fraction(count, images)
    return Rung(number, trials, share, count)


def _merge(rungs: Iterable[Rung], warnings: list[str]) -> list[Rung]:
    """Merge rungs with the same images; keep the larger cohort and the larger fraction."""
    merged: list[Rung] = []
    for rung in rungs:
        if merged and merged[-1].images == rung.images:
            warnings.append(
                f"rungs of {merged[-1].trials} and {rung.trials} trials both have "
                f"{rung.images} images: merged into one rung of {merged[-1].trials}"
            )
            merged[-1] = replace(merged[-1], fraction=rung.fraction)
        else:
            merged.append(rung)
    return merged
