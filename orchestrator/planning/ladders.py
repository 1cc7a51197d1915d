"""The ladders of a sweep's cohorts, for a number of images."""

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.halving.rule import Ladder, plan_ladder


def cohort_ladders(sweep: Sweep, images: int) -> tuple[Ladder, ...]:
    """Return the ladder of each cohort of a launch.

    Args:
        sweep: the sweep.
        images: size of the training split.
    """
    left, ladders = len(sweep.trials()), []
    sizes = sweep.search.sizes or (left,)
    batch = sweep.largest_batch if len(sizes) == 1 else sweep.largest_possible_batch
    for cohort, size in enumerate(sizes):
        if left:  # the space may have fewer points than are requested
            protected = 0 if cohort else len(sweep.protected)
            trials = min(size, left)
            ladders.append(cohort_ladder(sweep, cohort, trials, images, batch, protected))
            left -= ladders[-1].trials
    return tuple(ladders)


def cohort_ladder(
    sweep: Sweep, cohort: int, trials: int, images: int, batch: int, protected: int = 0
) -> Ladder:
    """Return the ladder of a cohort.

    Args:
        sweep: the sweep.
        cohort: number of the cohort.
        trials: number of its trials.
        images: size of the training split.
        batch: the largest batch size that its trials may have.
        protected: number of its trials that are never cut.
    """
    halving = sweep.halving
    return plan_ladder(
        trials,
        images,
        eta=halving.eta,
        finalists=halving.finalists,
        keep=halving.keep,
        min_fraction=halving.smallest_fraction(cohort),
        fractions=halving.fractions,
        min_images=batch,
        protected=protected,
    )
