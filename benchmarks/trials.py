"""Writes a table of a sweep's trials: score, trainable parameters, images per second, memory.

    python benchmarks/trials.py NAME [DATABASE_URL]

Reads a finished sweep from the database, and writes one row for each trial to benchmarks/results,
the best one first. The score is that of the trial's last rung. Speed and memory are those of the
first rung, where all trials train on the same images; the speed includes the validation images. If
the machine had other work, speeds of trials cannot be compared: see networks.py.
"""

import sys

from machine import keep

from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import image_scores, queries


def main(name, url="sqlite:///searchctl.db"):
    """Write the table of a sweep."""
    engine = open_database(url)
    row = queries.find_sweep(engine, name)
    jobs = queries.jobs(engine, row)
    validation = len(image_scores.image_counts(engine, row, JobKey(0, 0)).pixels)
    rows = [
        trial_row(engine, row, trial, jobs, validation) for trial in queries.trials(engine, row)
    ]
    better = 1 if row.direction == "maximize" else -1
    rows.sort(key=lambda each: (each["rung"], better * (each["score"] or 0)), reverse=True)
    seconds = (row.ended_at - row.created_at).total_seconds()
    keep(
        name, {"sweep": name, "wall_seconds": round(seconds), "ladder": row.ladder, "trials": rows}
    )


def trial_row(engine, sweep, trial, jobs, validation):
    """Return the numbers of one trial."""
    own = sorted((job for job in jobs if job.trial == trial.number), key=lambda job: job.rung)
    first, last = own[0], own[-1]
    epochs = [each for each in queries.epochs(engine, sweep, trial.number) if each.rung == 0]
    images = sum(epoch.images + validation * (epoch.val_loss is not None) for epoch in epochs)
    return {
        "trial": trial.number,
        "params": trial.params,
        "rung": last.rung,
        "score": last.score and round(last.score, 4),
        "scores": [job.score and round(job.score, 4) for job in own],
        "trainable_parameters": first.trainable_parameters,
        "images_per_second": round(images / sum(epoch.seconds for epoch in epochs), 1),
        "peak_memory_mb": round(first.peak_memory_bytes / 1e6),
        "error": first.error and first.error.splitlines()[0],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
