"""The cut at the end of a rung, pure: which trials continue, and the evidence for each."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from searchctl.orchestrator.halving.rule import Decision, Direction, Outcome, Verdict


def rank(outcomes: Iterable[Outcome], direction: Direction) -> list[Outcome]:
    """Return the outcomes with a finite score, best first; ties are ordered by trial number.

    Those that exceed a limit come last, whatever their scores.
    """
    sign = -1 if direction == "maximize" else 1
    finite = [outcome for outcome in outcomes if outcome.finite]
    return sorted(
        finite, key=lambda each: (bool(each.violation), sign * (each.score or 0.0), each.trial)
    )


def survivors(
    ranked: Sequence[Outcome], planned: int, protected: Container[int] = ()
) -> frozenset[int]:
    """Return the trials that continue: the protected ones, and the best of the others.

    Args:
        ranked: the outcomes with a finite score, best first.
        planned: planned number of trials of the next rung, the protected ones included.
        protected: trials that are never cut.

    >>> ranked = [Outcome(trial, 0, 1 - trial / 10) for trial in range(6)]
    >>> sorted(survivors(ranked, 3)), sorted(survivors(ranked, 3, protected={5}))
    ([0, 1, 2], [0, 1, 5])
    """
    safe = [outcome.trial for outcome in ranked if outcome.trial in protected]
    others = [outcome.trial for outcome in ranked if outcome.trial not in protected]
    return frozenset([*safe, *others[: max(0, planned - len(safe))]])


def cut(
    outcomes: Sequence[Outcome],
    planned: int | None,
    direction: Direction,
    protected: Container[int] = (),
) -> tuple[Decision, ...]:
    """Decide on every trial of a complete rung.

    A diverged or failed trial is never promoted. If there are too few finite scores, the next rung
    shrinks. A protected trial with a finite score is always promoted. A trial that exceeds a limit
    is promoted only to a place that no other trial takes.

    Args:
        outcomes: results of all trials of the rung.
        planned: planned number of trials of the next rung; None on the last rung.
        direction: whether larger scores are better.
        protected: trials that are never cut; `planned` includes them.

    Returns:
        The decisions by rank. Those without a finite score come last, by trial number.
    """
    ranked = rank(outcomes, direction)
    stay = survivors(ranked, len(ranked) if planned is None else planned, protected)
    cuts = (place for place, outcome in enumerate(ranked) if outcome.trial not in stay)
    kept = next(cuts, len(ranked))
    evidence = _Evidence(ranked, stay, kept, len(outcomes), direction, last=planned is None)
    unranked = sorted((o for o in outcomes if not o.finite), key=lambda o: o.trial)
    return (
        *(evidence.decide(position) for position in range(len(ranked))),
        *(evidence.refuse(outcome) for outcome in unranked),
    )


@dataclass(frozen=True)
class _Evidence:
    """Evidence that all decisions of one cut share."""

    ranked: Sequence[Outcome]
    stay: Container[int]
    kept: int
    cohort: int
    direction: Direction
    last: bool

    def decide(self, position: int) -> Decision:
        outcome = self.ranked[position]
        survives, above = outcome.trial in self.stay, position < self.kept
        verdict: Verdict = ("complete" if self.last else "promoted") if survives else "pruned"
        margin = self._margin(position)
        reason = f"rank {position + 1} of {self.cohort}, {self.kept} kept"
        if margin is not None:
            side = "ahead of the best that was cut" if above else "behind the last survivor"
            reason += f", {abs(margin):.4g} {side}"
        if survives and not above:
            reason += "; a known point, which stays on the ladder (protect_known)"
        if outcome.violation:
            reason += f"; ranked below all within the limits: {outcome.violation}"
        return self._decision(outcome, verdict, position + 1, margin, reason)

    def refuse(self, outcome: Outcome) -> Decision:
        verdict: Verdict = "failed" if outcome.failed else "diverged"
        return self._decision(outcome, verdict, None, None, f"{verdict}: no finite score")

    def _margin(self, position: int) -> float | None:
        if not 0 < self.kept < len(self.ranked):
            return None
        # The nearest score on the other side of the cut: the first dropped, or the last kept.
        other = self.ranked[self.kept if position < self.kept else self.kept - 1]
        mine = self.ranked[position]
        if bool(mine.violation) != bool(other.violation):
            return None
        difference = (mine.score or 0.0) - (other.score or 0.0)
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
            reason=f"{reason}; {outcome.note}" if outcome.note else reason,
            violation=outcome.violation if outcome.finite else "",
        )
