"""How sure it is that a sweep's winner is better than its other finalists, from stored rows.

The noise of the seed is that of this sweep's repeats. Without repeats it is that of any two jobs of
the same database which trained one configuration on the same data with two seeds.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Engine

from searchctl.orchestrator.halving.follow_up import training_seed
from searchctl.orchestrator.halving.job_key import Kind
from searchctl.orchestrator.statistics.certainty import (
    SURE,
    SeedNoise,
    chances,
    noise_of_others,
    seed_noise,
)
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.finished import full_scores
from searchctl.orchestrator.storage.reads.ranking import most_finalists
from searchctl.orchestrator.storage.reads.sweep_rows import SweepRows
from searchctl.orchestrator.storage.rows import JobRow, SweepRow
from searchctl.orchestrator.storage.scores import ranked_by
from searchctl.trainer.data.settings import PLACES
from searchctl.trainer.scores.catalog import title
from searchctl.trainer.settings.options.in_effect import NO_NUMBER

_REPEATS: tuple[Kind, ...] = ("repeat",)
_NETWORK = ("model", "command", "function")
"""Settings that name what is trained: a network, or a script of the user's."""


@dataclass(frozen=True)
class Rival:
    """A finalist, and the chance that it is the best one."""

    trial: int
    mean: float
    """Mean score over its seeds."""
    seeds: int
    """Number of seeds with a score."""
    unscored: int
    """Number of seeds with which it diverged or failed."""
    chance: float
    """Chance that its mean over all possible seeds is the best of the finalists'."""


@dataclass(frozen=True)
class Certainty:
    """The finalists compared, given how much a score changes from seed to seed."""

    rivals: list[Rival]
    """The winner first, then the others by their chance."""
    noise: SeedNoise
    source: Literal["repeats", "earlier"]
    """Where the noise was measured: in repeats of this sweep, or in jobs of any sweep."""
    sweeps: list[str]
    """The sweeps of these jobs."""

    @property
    def sure(self) -> bool:
        """Whether the winner may be called the best finalist."""
        return self.rivals[0].chance >= SURE and not self.rivals[0].unscored


@dataclass(frozen=True)
class NotKnown:
    """Nothing can be said."""

    why: str


def read_certainty(
    engine: Engine, row: SweepRow, rows: SweepRows | None = None
) -> Certainty | NotKnown | None:
    """Return how sure the winner is; None before the last rung is closed.

    Args:
        engine: the sweep's database.
        row: the sweep.
        rows: its rows, where some were read before.
    """
    ranked = (rows or SweepRows(engine, row)).best(most_finalists(engine, row))
    images = row.ladder[-1]["images"]
    # what exceeds a limit is no rival of a winner within it
    alike = [each for each in ranked if bool(each.violation) == bool(ranked[0].violation)]
    scores = {each.trial: [each.score] for each in alike if each.images == images}
    if not scores:
        return None
    if len(scores) == 1:
        within = " within the limits" * (alike != ranked)
        return NotKnown(f"trial {ranked[0].trial} is the only finalist{within}")
    unscored = dict.fromkeys(scores, 0)
    for job in queries.jobs(engine, row, kinds=_REPEATS):
        _add(job, scores, unscored)
    noise, sweeps = seed_noise(scores.values()), [row.name]
    source: Literal["repeats", "earlier"] = "repeats"
    if noise is None:
        groups, sweeps = _earlier(engine, row, [each.params for each in alike[: len(scores)]])
        noise, source = noise_of_others(groups), "earlier"
    if noise is None:
        return NotKnown(_unmeasured(row))
    return Certainty(_rivals(scores, unscored, noise, row), noise, source, sweeps)


def _add(job: JobRow, scores: Mapping[int, list[float]], unscored: dict[int, int]) -> None:
    if job.trial in scores and job.score is not None:
        scores[job.trial].append(job.score)
    elif job.trial in scores and job.state in ("DIVERGED", "FAIL"):
        unscored[job.trial] += 1


def _rivals(
    scores: Mapping[int, Sequence[float]],
    unscored: Mapping[int, int],
    noise: SeedNoise,
    row: SweepRow,
) -> list[Rival]:
    sign = 1 if row.direction == "maximize" else -1
    means = [sum(each) / len(each) for each in scores.values()]
    seeds = [len(each) for each in scores.values()]
    found = chances([sign * mean for mean in means], seeds, noise)
    winner, *others = (
        Rival(trial, mean, n, unscored[trial], chance)
        for trial, mean, n, chance in zip(scores, means, seeds, found, strict=True)
    )
    return [winner, *sorted(others, key=lambda each: -each.chance)]


def _unmeasured(row: SweepRow) -> str:
    warm = row.spec["halving"].get("continue") == "warm"
    fix = "set halving.repeats: 3, or run searchctl calibrate"
    if warm:
        fix = "repeats would, which need continue: retrain"
    return f"nothing shows how much {title(ranked_by(row.spec))} changes from seed to seed ({fix})"


def _earlier(
    engine: Engine, row: SweepRow, finalists: Sequence[Mapping[str, Any]]
) -> tuple[list[list[float]], list[str]]:
    """Return the scores of each configuration that was trained with several seeds.

    Only configurations with the network of a finalist count. Also return the names of their sweeps.
    """
    if row.spec["halving"].get("continue") == "warm":
        return [], []  # other weights to start from
    alike = {
        each.id: each
        for each in queries.sweeps_on_data(engine, row.data_fingerprint)
        if "halving" in each.spec and _judged(each) == _judged(row)
    }
    networks = {_network(_settings(row.spec, params)) for params in finalists}
    by_seed: defaultdict[str, dict[int, float]] = defaultdict(dict)
    names: defaultdict[str, set[str]] = defaultdict(set)
    for each in full_scores(engine, alike.values()):
        sweep = alike[each.sweep_id]
        settings = _settings(sweep.spec, each.params)
        if _network(settings) in networks:
            text = json.dumps(settings, sort_keys=True)
            by_seed[text][training_seed(each.key, sweep.spec.get("seed", 0))] = each.score
            names[text].add(sweep.name)
    several = [text for text, scores in by_seed.items() if len(scores) > 1]
    groups = [list(by_seed[text].values()) for text in several]
    return groups, sorted({name for text in several for name in names[text]})


def _judged(row: SweepRow) -> list[Any]:
    """Return what the scores of a sweep depend on, besides its configurations and its seed."""
    data = {key: value for key, value in row.spec["data"].items() if key not in PLACES}
    kept = row.spec["halving"].get("continue", "retrain")
    code = row.spec.get("code_files", {})
    return [data, ranked_by(row.spec), row.direction, row.ladder[-1]["images"], kept, code]


def _settings(spec: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    written = {**spec["training"], **params}
    return {name: value for name, value in written.items() if name not in NO_NUMBER}


def _network(settings: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(settings.get(name)) for name in _NETWORK)
