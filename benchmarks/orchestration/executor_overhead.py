"""Measures the overhead of Ray Tune with 69 trivial jobs of a 36-trial ladder on 2 slots.

    python benchmarks/orchestration/executor_overhead.py

Three ways are compared, each in its own process: a plain loop over the bracket; one Tuner for the
whole sweep with the database and the Optuna mirror (ours); and one Tuner for each rung, the obvious
alternative. For ours, the start of each phase is reported. A job only sleeps for 20 ms.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from ways import SLOTS, TRIALS, phases, searchctl

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import keep

JOB_SECONDS = 0.02


def trivial(job, on_epoch, stop):
    """Replace training by a short sleep."""
    from searchctl.trainer.core.results import JobResult

    time.sleep(JOB_SECONDS)
    return JobResult("complete", (job.trial * 7 + job.rung) % 36 / 36)


def bare():
    """Run the bracket's jobs in a plain loop."""
    from searchctl.orchestrator.halving.bracket import Bracket, Signal
    from searchctl.orchestrator.halving.rule import Outcome, plan_ladder

    bracket, jobs = Bracket(plan_ladder(TRIALS, 64), "maximize"), 0
    while (job := bracket.next_job()) is not Signal.DONE:
        time.sleep(JOB_SECONDS)
        bracket.record(Outcome(job.trial, job.rung.number, (job.trial * 7) % 36 / 36))
        jobs += 1
    return {"jobs": jobs}


def one_tuner():
    """Run the sweep as `launch` does, with a trivial job in place of training."""
    from searchctl.orchestrator.executors.ray.tune import RayTuneExecutor

    executor = RayTuneExecutor(cpus=1, max_parallel=SLOTS, runner=by_value(trivial))
    jobs = searchctl(lambda: nullcontext(executor))
    return {"jobs": jobs, "seconds_since_start": phases}


def tuner_per_rung():
    """Run each rung under a Tuner of its own, on one Ray."""
    import ray
    from ray import tune

    ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level=40)
    jobs = 0
    for trials in (36, 18, 9, 4, 2):
        tune.Tuner(
            tune.with_resources(_sleep, {"cpu": ray.cluster_resources()["CPU"] / 2}),
            param_space={"trial": tune.grid_search(list(range(trials)))},
            tune_config=tune.TuneConfig(reuse_actors=True),
            run_config=tune.RunConfig(storage_path=str(Path.cwd()), verbose=0),
        ).fit()
        jobs += trials
    return {"jobs": jobs}


def _sleep(config):
    from ray import tune

    time.sleep(JOB_SECONDS)
    tune.report({"score": config["trial"]})


def by_value(function):
    """Return a function that Ray sends to workers as code, since this file is not installed."""
    import ray.cloudpickle

    ray.cloudpickle.register_pickle_by_value(sys.modules[function.__module__])
    return function


WAYS = {"bare": bare, "one_tuner": one_tuner, "tuner_per_rung": tuner_per_rung}


def whole_process(way):
    """Run one way in its own process; return its wall seconds and its output."""
    quiet = {"RAY_AIR_NEW_OUTPUT": "0", "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, str(Path(__file__).absolute()), way],
            cwd=folder,
            env={**os.environ, **quiet, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = round(time.perf_counter() - started, 2)
    if done.returncode:
        sys.exit(done.stderr)
    return {"wall_seconds": seconds, **json.loads(done.stdout.splitlines()[-1])}


def main():
    """Run all ways in turn, twice, and store the faster run of each."""
    runs = {way: [] for way in WAYS}
    for _ in range(2):
        for way in WAYS:
            runs[way].append(whole_process(way))
    best = {way: min(found, key=lambda run: run["wall_seconds"]) for way, found in runs.items()}
    ratio = best["one_tuner"]["wall_seconds"] / best["tuner_per_rung"]["wall_seconds"]
    all_seconds = {way: [run["wall_seconds"] for run in found] for way, found in runs.items()}
    keep(
        "executor_overhead",
        {
            "what": "69 jobs of 20 ms on 2 slots; whole process, the quicker of two runs",
            **best,
            "one_tuner_to_tuner_per_rung": round(ratio, 2),
            "all_wall_seconds": all_seconds,
        },
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(WAYS[sys.argv[1]]()))
    else:
        main()
