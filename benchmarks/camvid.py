"""Runs a sweep on the real CamVid: its ladder, ranks, winner and duration, beside a baseline.

    python benchmarks/camvid.py examples/camvid-fcn.yaml DATA_ROOT [DATABASE_URL]

Launches the sweep, or reads it from the database if it has run there, and writes the results to
benchmarks/results. The baseline predicts the most frequent class of the training images everywhere.
"""

import sys
from dataclasses import asdict
from pathlib import Path
from statistics import median

from machine import keep

from searchctl import launch, load_sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from searchctl.trainer.data.samples import load_split


def main(path, data_root, url="sqlite:///camvid.db"):
    """Run the sweep if needed, and store the results."""
    sweep = load_sweep(path, data_root=Path(data_root))
    try:
        row = queries.find_sweep(open_database(url), sweep.name)
    except SearchctlError:
        launch(sweep, db=url)
        row = queries.find_sweep(open_database(url), sweep.name)
    engine = open_database(url)
    ranked = rank_trials(engine, row)
    jobs, decisions = queries.jobs(engine, row), queries.decisions(engine, row)
    start = median(job.score for job in jobs if job.rung == 0 and job.score is not None)
    baseline = majority_class_miou(sweep.data)
    keep(
        f"{sweep.name}",
        {
            "sweep": sweep.name,
            "state": row.state,
            "wall_seconds": round((row.ended_at - row.created_at).total_seconds()),
            "job_seconds": round(sum(job.seconds or 0 for job in jobs)),
            "ladder": row.ladder,
            "winner": winner_facts(ranked[0], jobs),
            "median_of_the_first_rung": round(start, 4),
            "majority_class_miou": round(baseline, 4),
            "winner_to_median": round(ranked[0].score / start, 2),
            "winner_to_majority_class": round(ranked[0].score / baseline, 2),
            "ranks": ranks(decisions, queries.trials(engine, row)),
        },
    )


def winner_facts(winner, jobs):
    """Return the winner with its scores on every split."""
    (job,) = (job for job in jobs if (job.trial, job.rung) == (winner.trial, winner.rung))
    facts = {name: value for name, value in asdict(winner).items() if name != "weights"}
    return {**facts, "miou": {split: e["miou"] for split, e in job.evaluations.items()}}


def ranks(decisions, trials):
    """Return, for each rung, the trials in the order of their ranks."""
    params = {trial.number: trial.params for trial in trials}
    rungs = {}
    for decision in decisions:
        row = {
            "rank": decision.rank,
            "trial": decision.trial,
            "score": decision.score and round(decision.score, 4),
            "verdict": decision.verdict,
            "params": params[decision.trial],
        }
        rungs.setdefault(f"rung {decision.rung}", []).append(row)
    return rungs


def majority_class_miou(data):
    """Return the validation mIoU of predicting the most frequent training class everywhere."""
    train, val = load_split(data, "train"), load_split(data, "val")
    share = val.class_pixels.sum(axis=0)
    majority = train.class_pixels.sum(axis=0).argmax()
    return float(share[majority] / share.sum() / (share > 0).sum())


if __name__ == "__main__":
    main(*sys.argv[1:])
