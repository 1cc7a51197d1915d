"""Learning curves and class scores of trials, read when a section needs them."""

from collections.abc import Collection, Iterable
from dataclasses import fields
from itertools import groupby

from sqlalchemy import Engine

from searchctl.orchestrator.report.trial_facts import ClassScores, Curve, TrialFacts
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.rows import EpochRow, SweepRow
from searchctl.orchestrator.storage.scores import by_accuracy
from searchctl.trainer.core.results import EpochRecord
from searchctl.trainer.scores.catalog import ScoreName

_CLOSE = 0.01
"""A score within this share of the kept epoch's counts as converged."""


class Training:
    """The curves and the class scores of a sweep's trials."""

    def __init__(self, engine: Engine, row: SweepRow, score: ScoreName) -> None:
        """Read from this sweep, whose trials are ranked by `score`."""
        self._engine, self._row, self._score = engine, row, score
        self._by_accuracy = by_accuracy(score, row.spec.get("task", ""))
        self._epochs: dict[int, list[EpochRow]] = {}

    def curves(self, trial: TrialFacts, rungs: Collection[int]) -> list[Curve]:
        """Return the curves of a trial's jobs at these rungs."""
        kept = {step.rung: step.kept_epoch for step in trial.steps}
        epochs = groupby(self._epochs_of(trial.trial), key=lambda each: each.rung)
        return [
            self._curve(trial.trial, rung, kept.get(rung), each)
            for rung, each in epochs
            if rung in rungs
        ]

    def classes(self, rung: int, trials: Collection[int]) -> list[ClassScores]:
        """Return the IoU of each class at a rung by split; the accuracy if that is the score."""
        found: dict[tuple[int, str], list[float | None]] = {}
        for row in queries.class_scores(self._engine, self._row, trials, rung=rung):
            values = found.setdefault((row.trial, row.split), [None] * len(self._row.classes))
            values[row.class_id] = row.accuracy if self._by_accuracy else row.iou
        return [ClassScores(trial, rung, split, each) for (trial, split), each in found.items()]

    def _epochs_of(self, trial: int) -> list[EpochRow]:
        if trial not in self._epochs:
            self._epochs[trial] = queries.epochs(self._engine, self._row, trial)
        return self._epochs[trial]

    def _curve(self, trial: int, rung: int, kept: int | None, rows: Iterable[EpochRow]) -> Curve:
        names = [each.name for each in fields(EpochRecord)]
        epochs = [EpochRecord(**{name: getattr(row, name) for name in names}) for row in rows]
        return Curve(trial, rung, kept, self._converged(epochs, kept), epochs)

    def _converged(self, epochs: Iterable[EpochRecord], kept: int | None) -> int | None:
        scores = {each.epoch: each.value(self._score) for each in epochs}
        best = None if kept is None else scores.get(kept)
        if best is None:
            return None
        sign = 1 if self._row.direction == "maximize" else -1
        enough = sign * best - _CLOSE * abs(best)
        near = (e for e, score in scores.items() if score is not None and sign * score >= enough)
        return next(near, None)
