"""The halving rule, pure: how many trials climb, on how much data, and who is dropped.

Successive halving (Jamieson & Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter
Optimization", AISTATS 2016, algorithm 1) with the share of the training images as the resource.
Integers and exact fractions only: a float logarithm loses a rung at 243 trials and eta 3.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

Direction = Literal["maximize", "minimize"]
Keep = Literal["floor", "ceil"]
Verdict = Literal["promoted", "pruned", "complete", "diverged", "failed"]
"""promoted: climbs to the next rung. pruned: ranked below the cut. complete: ranked on the last
rung. diverged, failed: no finite score, never promoted."""


@dataclass(frozen=True)
class Rung:
    """One level of the ladder, as planned."""

    number: int
    trials: int
    """Trials that are trained at this rung, if enough of the rung below have a finite score."""
    fraction: Fraction
    """Share of the training images."""
    images: int


@dataclass(frozen=True)
class Ladder:
    """All rungs of a bracket, known before the start; the last is on all of the data."""

    rungs: tuple[Rung, ...]
    warnings: tuple[str, ...] = ()

    @property
    def trials(self) -> int:
        """Trials that start."""
        return self.rungs[0].trials

    @property
    def full_trainings(self) -> Fraction:
        """Cost of the whole ladder, in trainings on all of the data."""
        return sum((rung.trials * rung.fraction for rung in self.rungs), start=Fraction(0))


@dataclass(frozen=True)
class Outcome:
    """What a job came back with."""

    trial: int
    rung: int
    score: float | None
    """The score; None or a non-finite number if there is none."""
    failed: bool = False
    """Failed, rather than diverged, where there is no finite score."""
    seconds: float = 0.0
    """What it took: no part of the decision, but of the order in which survivors begin."""

    @property
    def finite(self) -> bool:
        """Does it have a score that can be ranked?"""
        return not self.failed and self.score is not None and math.isfinite(self.score)


@dataclass(frozen=True)
class Decision:
    """One decision on one trial at one rung, with the evidence that it rests on."""

    trial: int
    rung: int
    verdict: Verdict
    score: float | None
    rank: int | None
    """1 is the best of the rung; None without a finite score."""
    cohort: int
    """Trials that were compared, those without a finite score included."""
    kept: int
    """Trials of the cohort that were promoted (on the last rung: completed)."""
    cutoff: float | None
    """Score of the last trial that was kept."""
    margin: float | None
    """How much better the score is than the nearest one on the other side of the cut: positive
    for the promoted, zero (a tie) or negative for the pruned, None where nobody was cut."""
    reason: str = field(compare=False, default="")
    """The decision in words."""


def keep_count(trials: int, *, eta: int, finalists: int, keep: Keep = "floor") -> int:
    """Return how many of so many trials survive a cut, never fewer than `finalists`.

    >>> [keep_count(n, eta=2, finalists=2) for n in (36, 18, 9, 4)]
    [18, 9, 4, 2]
    >>> [keep_count(n, eta=2, finalists=2, keep="ceil") for n in (36, 18, 9, 5, 3)]
    [18, 9, 5, 3, 2]
    """
    return max(finalists, trials // eta if keep == "floor" else -(-trials // eta))


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
) -> Ladder:
    """Plan the whole ladder for so many trials over so many training images.

    Fractions are anchored at the top: the last rung is exactly 1, the one below 1/eta, and so on;
    `min_fraction` shortens the ladder from the bottom, `fractions` sets it by hand. The last cut of
    a shortened ladder goes straight to the finalists. No rung has fewer than `min_images` images
    (the largest batch); rungs that come to the same images are merged, which is warned of.

    Raises:
        ValueError: trials, images or finalists below 1, or eta below 2.
    """
    if min(trials, images, finalists) < 1 or eta < 2:
        raise ValueError("needs at least 1 trial, 1 image, 1 finalist, and eta of 2 or more")
    warnings = []
    counts = rung_counts(trials, eta=eta, finalists=finalists, keep=keep)
    if finalists >= trials:
        warnings.append(f"finalists {finalists} >= trials {trials}: one rung on all of the data")
    shares = tuple(fractions) if fractions else _shares(len(counts), eta, min_fraction)
    if len(shares) > len(counts):
        left_out = ", ".join(map(str, shares[: -len(counts)]))
        warnings.append(f"{trials} trials need {len(counts)} rungs: left out fractions {left_out}")
        shares = shares[-len(counts) :]
    if len(shares) < len(counts):
        counts = (trials, *counts[1 : len(shares) - 1], finalists)[: len(shares)]
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
    wanted = math.ceil(share * images)
    if wanted < min_images:
        wanted = min(min_images, images)
        share = Fraction(wanted, images)
    return Rung(number, trials, share, wanted)


def _merge(rungs: Iterable[Rung], warnings: list[str]) -> list[Rung]:
    """Merge neighbours with the same images: the larger cohort stays, at the larger fraction."""
    merged: list[Rung] = []
    for rung in rungs:
        if merged and merged[-1].images == rung.images:
            warnings.append(
                f"rungs of {merged[-1].trials} and {rung.trials} trials both come to "
                f"{rung.images} images: merged into one of {merged[-1].trials}"
            )
            merged[-1] = replace(merged[-1], fraction=rung.fraction)
        else:
            merged.append(rung)
    return merged


def rank(outcomes: Iterable[Outcome], direction: Direction) -> list[Outcome]:
    """Return the outcomes that have a finite score, the best first, ties by trial number."""
    sign = -1 if direction == "maximize" else 1
    finite = [outcome for outcome in outcomes if outcome.finite]
    return sorted(finite, key=lambda outcome: (sign * (outcome.score or 0.0), outcome.trial))


def cut(
    outcomes: Sequence[Outcome], planned: int | None, direction: Direction
) -> tuple[Decision, ...]:
    """Decide on every trial of a full rung; `planned` is the next rung's count, None at the last.

    Kept are min(planned, finite ones): a diverged or failed trial is never promoted, the next rung
    shrinks instead. The decisions come by rank, the ones without a score last, by trial number.
    """
    ranked = rank(outcomes, direction)
    kept = len(ranked) if planned is None else min(planned, len(ranked))
    evidence = _Evidence(ranked, kept, len(outcomes), direction, last=planned is None)
    unranked = sorted((o for o in outcomes if not o.finite), key=lambda o: o.trial)
    return (
        *(evidence.decide(position) for position in range(len(ranked))),
        *(evidence.refuse(outcome) for outcome in unranked),
    )


@dataclass(frozen=True)
class _Evidence:
    """What all decisions of one cut have in common."""

    ranked: Sequence[Outcome]
    kept: int
    cohort: int
    direction: Direction
    last: bool

    def decide(self, position: int) -> Decision:
        outcome, survives = self.ranked[position], position < self.kept
        verdict: Verdict = ("complete" if self.last else "promoted") if survives else "pruned"
        margin = self._margin(position)
        reason = f"rank {position + 1} of {self.cohort}, {self.kept} kept"
        if margin is not None:
            side = "ahead of the best that was cut" if survives else "behind the last survivor"
            reason += f", {abs(margin):.4g} {side}"
        return self._decision(outcome, verdict, position + 1, margin, reason)

    def refuse(self, outcome: Outcome) -> Decision:
        verdict: Verdict = "failed" if outcome.failed else "diverged"
        return self._decision(outcome, verdict, None, None, f"{verdict}: no finite score")

    def _margin(self, position: int) -> float | None:
        if not 0 < self.kept < len(self.ranked):
            return None
        other = self.kept if position < self.kept else self.kept - 1
        difference = (self.ranked[position].score or 0.0) - (self.ranked[other].score or 0.0)
        return difference if self.direction == "maximize" else -difference

    def _decision(
        self,
        outcome: Outcome,
        verdict: Verdict,
        place: int | None,
        margin: float | None,
        reason: str,
    ) -> Decision:
        return Decision(
            trial=outcome.trial,
            rung=outcome.rung,
            verdict=verdict,
            score=outcome.score if outcome.finite else None,
            rank=place,
            cohort=self.cohort,
            kept=self.kept,
            cutoff=self.ranked[self.kept - 1].score if self.kept else None,
            margin=margin,
            reason=reason,
        )
