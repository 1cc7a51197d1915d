"""The facts of a report as plain values, which `searchctl report --format json` prints.

Removing a name or changing its meaning increases FORMAT; new names may be added at any time.
Unknown numbers and sections are null; `missing` gives the reasons of sections.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from searchctl.orchestrator.analysis.certainty import Certainty, NotKnown
from searchctl.orchestrator.analysis.explain import Comparison
from searchctl.orchestrator.analysis.fidelity import Fidelity
from searchctl.orchestrator.analysis.follow_up import FollowUp
from searchctl.orchestrator.analysis.tradeoff import Tradeoff
from searchctl.orchestrator.facts.baseline import Baseline
from searchctl.orchestrator.halving.rule import Direction
from searchctl.orchestrator.planning.grade import Grade
from searchctl.orchestrator.report.trial_facts import ClassScores, Curve, TrialFacts
from searchctl.orchestrator.search.importance import Importance
from searchctl.trainer.scores.catalog import ScoreName

FORMAT = 1


@dataclass(frozen=True)
class About:
    """The sweep as a whole."""

    name: str
    state: str
    task: str
    dataset: str
    score: ScoreName
    direction: Direction
    classes: list[str]
    trials: int
    created_at: datetime
    ended_at: datetime | None
    error: str | None
    versions: dict[str, str]
    drivers: int
    """Drivers of the sweep so far: one more than the number of resumes."""
    recorded: tuple[ScoreName, ...] = ()
    """Other scores, which rank nothing."""
    not_vouched: str | None = None
    """What searchctl cannot vouch for, where a script of the user's trained."""
    hardware: tuple[str, ...] = ()
    """The kinds of CPU or GPU on which its jobs ran; numbers repeat on equal ones only."""
    warnings: tuple[str, ...] = ()
    """What makes scores of a rung less comparable than they look."""
    accepted: tuple[str, ...] = ()
    """What resumes with --accept-changes have accepted, and after which rung."""


@dataclass(frozen=True)
class Answer:
    """The best trial so far."""

    trial: int
    rung: int
    score: float
    mean: float | None
    """Mean score over `seeds` seeds, if the winner was chosen by it (`halving.choose: mean`)."""
    seeds: int
    params: dict[str, Any]
    test: dict[str, float] | None
    """Scores on the test split at the training size; `test_original`: at the original size."""
    test_original: dict[str, float] | None
    median_at_start: float | None
    """Median score of all trials of the first rung."""
    certainty: Certainty | NotKnown | None
    """How sure it is the best finalist, given the seed's noise; None before the last rung ends."""
    comparison: Comparison | None
    """Comparison with the runner-up for these trained networks only; None without one."""
    full_trainings: float
    """Cost of the whole ladder, in trainings on all of the data; every configuration on all data
    costs `trials`."""
    images: int
    """Training images seen so far, over all epochs."""
    seconds: float
    """Sum over all ended jobs."""
    gpu_seconds: float
    violation: str = ""
    """Which limits it exceeds, in words (`halving.limits`); empty if none."""
    baseline: Baseline | None = None
    """The best known point beside this trial; None without known points."""
    price_per_gpu_hour: float | None = None
    """The price that was given, in any currency."""
    copied: dict[str, float] = field(default_factory=dict)
    """What jobs of the ladder that were copied took in the sweep that trained them, in `seconds`,
    `gpu_seconds` and `images_seen`; the costs above are without these."""


@dataclass(frozen=True)
class RungFacts:
    """One rung: its plan, progress and cut."""

    rung: int
    fraction: str
    images: int
    trials: int
    done: int
    running: int
    failed: int
    best: float | None
    """Of a closed rung the score of rank 1: within the limits, if a trial is; else the highest."""
    kept: int | None
    """Number of kept trials; None until the rung is closed."""
    cutoff: float | None
    """Score of the last kept trial."""
    cohort: int | None = None
    """Number of its cohort; None if the sweep has only one."""


@dataclass(frozen=True)
class ChosenClass:
    """A class whose IoU is drawn over the epochs."""

    class_id: int
    share: float | None
    """Share of the validation labels; None if the counts are not stored."""
    spread: float | None
    """Range of the finalists' scores; None for fewer than two."""


@dataclass(frozen=True)
class Option:
    """The trials with one value of a param, at one rung."""

    value: Any
    trials_at_start: int
    """Trials with a score at the first rung."""
    median_at_start: float | None
    """Median of their scores there."""
    trials: int
    """Trials with a score at this rung."""
    best: float
    """The best of their scores here."""
    trial: int
    """The trial with that score."""
    classes: ClassScores | None
    curve: Curve | None
    """The curve and `classes` are those of the best trial."""


@dataclass(frozen=True)
class Contrast:
    """The values of one param compared, at the highest rung where each has a score."""

    name: str
    rung: int
    options: list[Option]


@dataclass(frozen=True)
class Unlabeled:
    """Share of unlabeled pixels in the validation images, at the training size."""

    images: int
    mean: float
    bins: list[int]
    """Number of images by share, in equal bins from 0 to `upper`."""
    upper: float
    none: int
    """Number of images without unlabeled pixels."""


@dataclass(frozen=True)
class Picture:
    """Path of a picture that a job wrote."""

    trial: int
    rung: int
    path: str


@dataclass(frozen=True)
class Report:
    """All facts of a report."""

    format: int
    made_at: datetime
    about: About
    answer: Answer | None
    ladder: list[RungFacts]
    trials: list[TrialFacts]
    """The best first; those without a rank last."""
    finalists: list[int]
    """The trials kept by the highest closed rung, shown in full, the best first; at most six."""
    curves: list[Curve]
    """Curves of the finalists at every rung."""
    classes: list[ClassScores]
    """Class scores of the finalists at their highest rung, by split."""
    chosen_classes: list[ChosenClass]
    """Classes whose IoU is drawn over the epochs, the rarest first; `curves` has the numbers."""
    contrasts: list[Contrast]
    importance: Importance | None
    fidelity: Fidelity | None
    tradeoff: Tradeoff | None
    appraisal: FollowUp | None
    """Results of the follow-up jobs: other seeds of the finalists, and the audit."""
    grade: Grade | None
    """Plan against actual, and retries."""
    unlabeled: Unlabeled | None
    masks: list[Picture]
    """The finalists' predictions for a few validation images, by rung."""
    features: list[Picture]
    """The finalists' embeddings of all validation images (classification, `report.features`)."""
    missing: dict[str, str]
    """Name of a section that is null -> the reason."""
    log_params: list[str] = field(default_factory=list)
    """The searched params that are drawn on a log scale."""

    def to_json(self) -> dict[str, Any]:
        """Return the facts as plain values; times are ISO 8601 in UTC."""
        values = asdict(self)
        values["grade"] = self.grade.to_json() if self.grade else None
        return _plain(values)  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value
