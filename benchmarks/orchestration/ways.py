"""A ladder of 36 trivial configurations on two slots, by several libraries; one process for each.

    python benchmarks/orchestration/ways.py WAY

A job sleeps 20 ms for each sixteenth of the data, so a whole ladder sleeps for the same time in
all of them, up to what asynchronous rules add. Nothing is trained. The process prints one line of
JSON: the number of jobs, and the seconds since its start at which phases began.
"""

import json
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path

STARTED = time.perf_counter()
UNIT_S = 0.02
RUNGS = (1, 2, 4, 8, 16)
"""Sixteenths of the data on each rung."""
SLOTS = 2
TRIALS = 36
SWEEP = """
name: overhead
data: {dataset: scenes, train: 64}
training: {batch_size: 2}
space:
  lr: [1e-2, 1e-3]
  lr_decay: [1, 0.3162, 0.1]
  weight_decay: [0, 1e-4]
  dropout: [0, 0.05, 0.1]
"""
phases = {}


def note(name):
    """Note when a phase begins."""
    phases[name] = round(time.perf_counter() - STARTED, 2)


def score_of(number):
    """Return a score that ranks the configurations."""
    return (number * 7) % 36 / 36


def job(job, on_epoch, stop):
    """Replace the training of one of searchctl's jobs by a sleep."""
    from searchctl.trainer.core.results import JobResult

    time.sleep(UNIT_S * 16 * job.fraction.numerator / job.fraction.denominator)
    return JobResult("complete", (job.trial * 7) % 36 / 36)


def searchctl(executor):
    """Run a sweep as `searchctl launch` does, with the sleeping job."""
    from searchctl.orchestrator.config.load import load_sweep
    from searchctl.orchestrator.facts.running.progress import Progress
    from searchctl.orchestrator.run.launch import run
    from searchctl.orchestrator.run.preparation.prepare import prepare

    jobs = []

    class Noting(Progress):
        def job_started(self, job, attempt):
            phases.setdefault("first job opened", round(time.perf_counter() - STARTED, 2))
            super().job_started(job, attempt)

        def job_done(self, job, result):
            phases.setdefault("first result", round(time.perf_counter() - STARTED, 2))
            note("last result")
            jobs.append(job)
            super().job_done(job, result)

    note("imported")
    Path("sweep.yaml").write_text(SWEEP)
    prepared = prepare(load_sweep("sweep.yaml"), "sqlite:///overhead.db")
    note("row stored")
    with executor() as ready:
        run(prepared, executor=ready, display=Noting)
    note("ended")
    return len(jobs)


def inline():
    """Return what makes searchctl's executor in one process."""
    from searchctl.orchestrator.executors.inline import InlineExecutor

    return nullcontext(InlineExecutor(job))


def on_ray():
    """Return what makes searchctl's executor on Ray, which starts while the driver prepares."""
    import ray.cloudpickle

    from searchctl.orchestrator.executors.ray.tune import RayTuneExecutor

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    return RayTuneExecutor(cpus=os.cpu_count() / SLOTS, runner=job).connecting()


def tune_asha():
    """Run Ray Tune's ASHA; a trial continues where it was, and does not start again."""
    import ray
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler

    ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level=40)
    halving = ASHAScheduler(
        time_attr="step", metric="score", mode="max", max_t=16, grace_period=1, reduction_factor=2
    )
    results = tune.Tuner(
        tune.with_resources(_tune_trial, {"cpu": os.cpu_count() / SLOTS}),
        param_space={"number": tune.grid_search(list(range(TRIALS)))},
        tune_config=tune.TuneConfig(scheduler=halving, reuse_actors=True),
        run_config=tune.RunConfig(storage_path=str(Path.cwd()), verbose=0),
    ).fit()
    return sum(RUNGS.index(_rung(result.metrics["step"])) + 1 for result in results)


def _tune_trial(config):
    from ray import tune

    for step in range(1, RUNGS[-1] + 1):
        time.sleep(UNIT_S)
        tune.report({"score": score_of(config["number"]), "step": step})


def optuna_sha():
    """Run Optuna with its pruner of asynchronous halving, on two threads and SQLite."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    study = optuna.create_study(storage="sqlite:///optuna.db", pruner=pruner, direction="maximize")
    study.optimize(_optuna_trial, n_trials=TRIALS, n_jobs=SLOTS)
    steps = [max(trial.intermediate_values) for trial in study.trials]
    return sum(RUNGS.index(_rung(step)) + 1 for step in steps)


def _optuna_trial(trial):
    import optuna

    trial.suggest_float("lr", 1e-4, 1e-1, log=True)
    score = score_of(trial.number)
    for step in range(1, RUNGS[-1] + 1):
        time.sleep(UNIT_S)
        if step in RUNGS:
            trial.report(score, step)
            if trial.should_prune():
                raise optuna.TrialPruned
    return score


def _rung(step):
    return max(rung for rung in RUNGS if rung <= step)


def sklearn_halving():
    """Run scikit-learn's halving on two processes; the number of samples is the resource."""
    import numpy as np
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingRandomSearchCV, ShuffleSplit

    rows = np.zeros((4 * RUNGS[-1], 1))
    search = HalvingRandomSearchCV(
        _sleeper(),
        {"number": list(range(TRIALS))},
        n_candidates=TRIALS,
        factor=2,
        min_resources=4,
        max_resources=len(rows),
        cv=ShuffleSplit(1, test_size=0.5, random_state=0),
        refit=False,
        n_jobs=SLOTS,
        random_state=0,
    )
    search.fit(rows, np.zeros(len(rows)))
    return int(sum(search.n_candidates_))


def _sleeper():
    from sklearn.base import BaseEstimator

    class Sleeper(BaseEstimator):
        def __init__(self, number=0):
            self.number = number

        def fit(self, rows, labels):
            time.sleep(UNIT_S * len(rows) / 2)  # half of the rows are for training
            return self

        def score(self, rows, labels):
            return score_of(self.number)

    return Sleeper()


WAYS = {
    "searchctl": lambda: searchctl(on_ray),
    "searchctl --inline": lambda: searchctl(inline),
    "Ray Tune ASHA": tune_asha,
    "Optuna SHA": optuna_sha,
    "scikit-learn halving": sklearn_halving,
}

if __name__ == "__main__":
    jobs = WAYS[sys.argv[1]]()
    note("done")
    print(json.dumps({"jobs": jobs, "phases": phases}))
