"""What a report says, as plain values: `searchctl report --format json` prints just this.

The names are stable: a change of what one of them means, or its end, counts FORMAT up; more may
come at any time. Numbers that are not known are null, as are whole sections; `missing` says why.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from searchctl.orchestrator.analysis.explain import Comparison
from searchctl.orchestrator.analysis.fidelity import Fidelity
from searchctl.orchestrator.analysis.follow_up import FollowUp
from searchctl.orchestrator.analysis.tradeoff import Tradeoff
from searchctl.orchestrator.halving.rule import Direction
from searchctl.orchestrator.planning.grade import Grade
from searchctl.orchestrator.search.importance import Importance
from searchctl.trainer.core.results import EpochRecord
from searchctl.trainer.settings.training import Score

FORMAT = 1


@dataclass(frozen=True)
class About:
    """The sweep as a whole."""

    name: str
    state: str
    task: str
    dataset: str
    score: Score
    direction: Direction
    classes: list[str]
    trials: int
    created_at: datetime
    ended_at: datetime | None
    error: str | None
    versions: dict[str, str]
    drivers: int
    """Processes that have driven it: one more than it was resumed."""


@dataclass(frozen=True)
class Answer:
    """The best trial so far."""

    trial: int
    rung: int
    score: float
    params: dict[str, Any]
    test: dict[str, float] | None
    """Scores on the test split, at the training size; `test_original` has those at its own."""
    test_original: dict[str, float] | None
    median_at_start: float | None
    """Median score of all trials of the first rung."""
    comparison: Comparison | None
    """With the runner-up: who it is, how much worse, and how sure that is; None without one."""
    full_trainings: float
    """Cost of the ladder, in trainings on all of the data; the grid would be `trials`."""
    images: int
    """Training images that were seen so far, over all epochs."""
    seconds: float
    """Of all jobs that ended, one after the other."""
    gpu_seconds: float


@dataclass(frozen=True)
class RungFacts:
    """One rung: its plan, how far it is, and its cut."""

    rung: int
    fraction: str
    images: int
    trials: int
    done: int
    running: int
    failed: int
    best: float | None
    kept: int | None
    """None until it is closed."""
    cutoff: float | None
    """Score of the last trial that was kept."""


@dataclass(frozen=True)
class Step:
    """A trial at one rung."""

    rung: int
    state: str
    score: float | None
    rank: int | None
    verdict: str | None
    """None until the rung is closed."""
    reason: str | None
    kept_epoch: int | None
    seconds: float | None


@dataclass(frozen=True)
class TrialFacts:
    """A trial, with what is known of it at the highest rung that it came to."""

    trial: int
    place: int | None
    """In the whole sweep, 1 is the winner: by the highest rung, then by rank there."""
    state: str
    params: dict[str, Any]
    steps: list[Step]
    trainable_parameters: int | None
    latency_ms: float | None
    """Of one image, by the network of the highest rung with a result."""
    device: str | None
    """On which it was trained, and its latency measured."""
    evaluations: dict[str, dict[str, float | None]]
    """By split (val, train, val_original, test, test_original): loss, miou, mean_accuracy,
    overall_accuracy; at the highest rung with a result."""
    seconds: float
    gpu_seconds: float
    peak_memory_bytes: int | None

    @property
    def last(self) -> Step | None:
        """The highest rung that it came to."""
        return self.steps[-1] if self.steps else None

    @property
    def scored(self) -> Step | None:
        """The highest rung where it has a score."""
        return next((step for step in reversed(self.steps) if step.score is not None), None)


@dataclass(frozen=True)
class Curve:
    """How one job went, epoch by epoch."""

    trial: int
    rung: int
    kept_epoch: int | None
    converged: int | None
    """The first epoch whose score was within 1 % of the kept one's."""
    epochs: list[EpochRecord]


@dataclass(frozen=True)
class ClassScores:
    """IoU of each class (accuracy, in classification) by one trial's network."""

    trial: int
    rung: int
    split: str
    values: list[float | None]
    """By class id; None where the ground truth lacks the class."""


@dataclass(frozen=True)
class ChosenClass:
    """A class that is followed over the epochs."""

    class_id: int
    share: float | None
    """Of the labels of the validation set; None where the counts are not stored."""
    spread: float | None
    """How far the finalists are apart; None under two."""


@dataclass(frozen=True)
class Option:
    """The trials with one value of a param, at one rung."""

    value: Any
    trials_at_start: int
    """That have a score at the first rung."""
    median_at_start: float | None
    """Of their scores there."""
    trials: int
    """That have a score at this rung."""
    best: float
    """Of their scores here."""
    trial: int
    """The best of them."""
    classes: ClassScores | None
    curve: Curve | None
    """Both of the best."""


@dataclass(frozen=True)
class Contrast:
    """The values of one param beside each other, at the highest rung where all have a score."""

    name: str
    rung: int
    options: list[Option]


@dataclass(frozen=True)
class Unlabeled:
    """Share of pixels without a class in each validation image, at the training size."""

    images: int
    mean: float
    bins: list[int]
    """Images by share, in equal steps from 0 to `upper`."""
    upper: float
    none: int
    """Images in which every pixel has a class."""


@dataclass(frozen=True)
class Picture:
    """Where a picture that a job has left lies."""

    trial: int
    rung: int
    path: str


@dataclass(frozen=True)
class Report:
    """All that a report says."""

    format: int
    made_at: datetime
    about: About
    answer: Answer | None
    ladder: list[RungFacts]
    trials: list[TrialFacts]
    """The best first; those without a rank last."""
    finalists: list[int]
    """The trials of the highest closed rung whose curves, classes and masks are shown, the best
    first; at most six."""
    curves: list[Curve]
    """Of the finalists, at every rung."""
    classes: list[ClassScores]
    """Of the finalists at their highest rung, by split."""
    chosen_classes: list[ChosenClass]
    """Whose IoU over the epochs is drawn, the rarest first; the numbers are in `curves`."""
    contrasts: list[Contrast]
    importance: Importance | None
    fidelity: Fidelity | None
    tradeoff: Tradeoff | None
    appraisal: FollowUp | None
    """What came after the ladder: other seeds of the finalists, and the audit."""
    grade: Grade | None
    """Plan against actual, and the faults that were survived."""
    unlabeled: Unlabeled | None
    masks: list[Picture]
    """What the finalists predict of a few validation images, by rung."""
    features: list[Picture]
    """What they see in all of them (classification, `report.features`)."""
    missing: dict[str, str]
    """Why a section is not there, by its name."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values; moments are ISO 8601 in UTC."""
        values = asdict(self)
        values["grade"] = self.grade.to_json() if self.grade else None
        return _plain(values)  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value
