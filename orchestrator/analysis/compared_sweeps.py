"""Several sweeps side by side: what each has found at what cost, and where they differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

from sqlalchemy import Engine

from searchctl.orchestrator.analysis.certainty import Certainty, read_certainty
from searchctl.orchestrator.statistics.certainty import SHOWN_FROM
from searchctl.orchestrator.storage.reads import image_scores, snapshot, spending
from searchctl.orchestrator.storage.reads.costs import sources_of, summed
from searchctl.orchestrator.storage.reads.sweep_rows import SweepRows
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.orchestrator.storage.scores import ranked_by
from searchctl.trainer.data.settings import PLACES
from searchctl.trainer.settings.options.in_effect import NO_NUMBER

_PARTS = ("task", "data", "training", "space", "search", "halving", "inference", "seed")
"""The sections of a sweep that change its results."""
_SCORED = ("task", "data", "halving.score", "training.validate")
"""Settings, or sections, without which two scores are not of one kind."""


@dataclass(frozen=True)
class SweepResult:
    """One sweep: its best trial, and what it cost."""

    name: str
    state: str
    dataset: str
    score_name: str
    trials: int
    best: int | None
    """Its best trial; None before a rung is closed."""
    params: dict[str, Any]
    images: int | None
    """The images that this trial was trained on."""
    on_all: bool
    """Whether these are all of the data."""
    score: float | None
    """Its score there; the mean over seeds, where that chose it."""
    noise: float | None
    """How much one seed moves a score: a standard deviation; None if it is not known."""
    images_trained: int
    seconds: float
    """Of all ended jobs."""
    gpu_hours: float
    copies: int
    """Number of its jobs that were copied from other sweeps."""
    copied: dict[str, float]
    """What its jobs that were copied took where they were trained, in `seconds`, `gpu_seconds` and
    `images_seen`; the costs above are without these."""
    violation: str
    """Which limits its best trial exceeds, in words (`halving.limits`); empty if none."""


@dataclass(frozen=True)
class Lead:
    """The best sweep beside another one, where their scores can be compared."""

    better: str
    other: str
    gain: float
    shown: bool | None
    """Whether it is more than the seed's noise; None if that is not known."""


@dataclass(frozen=True)
class ComparedSweeps:
    """Sweeps in the order in which they were named."""

    sweeps: list[SweepResult]
    incomparable: list[str]
    """What makes their scores incomparable; empty if nothing does."""
    leads: list[Lead]
    settings: dict[str, list[Any]]
    """The settings that differ: dotted name -> value in each sweep, None where it has none."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def compare_sweeps(engine: Engine, rows: Sequence[SweepRow]) -> ComparedSweeps:
    """Compare stored sweeps, finished or not."""
    results = [_result(engine, row) for row in rows]
    settings = _differing([_settings(row.spec) for row in rows])
    why = [*_different_data(engine, rows), *(n for n in settings if _is_of_scores(n))]
    incomparable = list(dict.fromkeys(why))
    leads = [] if incomparable else list(_leads(results, rows[0].direction))
    return ComparedSweeps(results, incomparable, leads, settings)


def _result(engine: Engine, row: SweepRow) -> SweepResult:
    rows = SweepRows(engine, row)
    best = next(iter(rows.best(1)), None)
    certainty = read_certainty(engine, row, rows)
    sources = sources_of(engine, row)
    times = snapshot.times_by_kind(engine, row).values()
    return SweepResult(
        name=row.name,
        state=row.shown_state,
        dataset=row.spec["data"]["dataset"],
        score_name=ranked_by(row.spec),
        trials=row.trials,
        best=best.trial if best else None,
        params=best.params if best else {},
        images=best.images if best else None,
        on_all=best is not None and best.images == row.ladder[-1]["images"],
        score=best.value if best else None,
        noise=certainty.noise.deviation if isinstance(certainty, Certainty) else None,
        images_trained=spending.images_trained(engine, row),
        seconds=sum(each.seconds for each in times),
        gpu_hours=sum(each.gpu_seconds for each in times) / 3600,
        copies=len(sources),
        copied=summed(sources),
        violation=best.violation if best else "",
    )


def _different_data(engine: Engine, rows: Sequence[SweepRow]) -> Iterator[str]:
    """Yield what differs in what the scores are of, besides settings."""
    if len({ranked_by(row.spec) for row in rows}) > 1:
        yield "halving.score"
    if len({row.data_fingerprint for row in rows}) > 1:
        yield "the files of the data set"
    if len({tuple(image_scores.val_images(engine, row)) for row in rows}) > 1:
        yield "the validation images"


def _is_of_scores(name: str) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in _SCORED)


def _settings(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that change results, by dotted names."""
    found = dict(_flat({part: spec[part] for part in _PARTS if part in spec}))
    unused = {f"data.{n}" for n in PLACES} | {f"training.{n}" for n in NO_NUMBER}
    return {name: each for name, each in found.items() if name not in unused}


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value and above.count(".") < 2:
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _differing(settings: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for each in settings for name in each)
    rows = {name: [each.get(name) for each in settings] for name in names}
    return {name: row for name, row in rows.items() if any(each != row[0] for each in row)}


def _leads(results: Sequence[SweepResult], direction: str) -> Iterator[Lead]:
    """Yield the best sweep's lead over each other one that has a score on all of the data."""
    sign = 1 if direction == "maximize" else -1
    scored = [each for each in results if each.on_all and each.score is not None]
    ordered = sorted(scored, key=lambda each: -sign * (each.score or 0.0))
    noises = [each.noise for each in results if each.noise is not None]
    limit = SHOWN_FROM * sqrt(2) * max(noises) if noises else None
    for other in ordered[1:]:
        gain = sign * ((ordered[0].score or 0.0) - (other.score or 0.0))
        yield Lead(ordered[0].name, other.name, gain, None if limit is None else gain > limit)
