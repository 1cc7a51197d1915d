"""What is scored of a job: the validation set as it trains, and the weights that it keeps."""

import math
from collections.abc import Callable
from functools import partial

from searchctl.trainer.core.results import Evaluation
from searchctl.trainer.core.stopping import Stop
from searchctl.trainer.data.loader import LoadedSplit, fixed_batches, load_split
from searchctl.trainer.evaluation.evaluate import Scored, evaluate, evaluate_original
from searchctl.trainer.evaluation.latency import latency_ms
from searchctl.trainer.run.preparation import Job
from searchctl.trainer.run.progress import Kept
from searchctl.trainer.settings.inference import Inference


def score_validation(job: Job, stop: Stop) -> Scored:
    """Score the network as it is now on the validation set.

    Raises:
        Stopped: asked to leave.
    """
    return _score(evaluate, job, job.validation, stop)


def kept_evaluations(
    job: Job, kept: Kept, at_original: Inference | None, stop: Stop
) -> dict[str, Evaluation]:
    """Score the kept weights, by name of the split; 'val' was scored when they were kept.

    Raises:
        Stopped: asked to leave.
    """
    job.training.scored_model.load_state_dict(kept.weights)
    scores = {"val": kept.validation, "train": _score(evaluate, job, job.images, stop)}
    if at_original:
        original = partial(evaluate_original, inference=at_original)
        scores["val_original"] = _score(original, job, job.validation, stop)
        if job.validation.dataset.names("test"):
            test = load_split(job.sample.data, "test")
            scores["test"] = _score(evaluate, job, test, stop)
            scores["test_original"] = _score(original, job, test, stop)
    return {split: evaluation for split, (evaluation, _) in scores.items()}


def kept_latency_ms(job: Job, job_seconds: float) -> float | None:
    """Measure the network at the first validation image; of a team, in the first process alone."""
    if not job.team.is_first:
        return None
    image, _ = next(fixed_batches(job.validation, 1))
    model = job.training.scored_model
    return latency_ms(model, image, job.arithmetic, job_seconds=job_seconds)


def _score(how: Callable[..., Scored], job: Job, split: LoadedSplit, stop: Stop) -> Scored:
    size = math.ceil(job.settings.batch_size / job.team.size)
    model, team = job.training.scored_model, job.team
    return how(model, split, job.arithmetic, batch_size=size, stop=stop, team=team)
