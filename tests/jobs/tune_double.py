"""Plays Ray Tune to our searcher, in this process: what Tune does, without its seconds."""

from types import SimpleNamespace

from ray.tune.search import Searcher

from searchctl.orchestrator.executors.job import run_safely
from searchctl.orchestrator.executors.ray import tune, watch


class TuneDouble:
    """An executor made of the real searcher, and of a loop in the place of Tune's.

    Two jobs at a time are handed out, one of them runs; each report of a job arrives as Tune has
    it, and a job without a result as a worker that died.
    """

    def __init__(self, runner):
        self._runner = runner

    def run(self, source, stop):
        head = SimpleNamespace(gone=None)
        searcher = tune._JobSearcher(source, lambda: 2, {"CPU": 1}, stop, head)
        searcher.watch._look_at = float("inf")  # at the nodes: there are none
        try:
            self._loop(searcher, stop)
        except watch.Leave as leave:
            if leave.__cause__ is not None:
                raise leave.__cause__ from None
        searcher.abandon()

    def _loop(self, searcher, stop):
        number, running = 0, {}
        while True:
            while isinstance(config := searcher.suggest(str(number)), dict):
                running[str(number)] = config["job"]
                number += 1
            if running:
                trial = next(iter(running))
                self._run(searcher, trial, running.pop(trial), stop)
            elif config == Searcher.FINISHED:
                return

    def _run(self, searcher, trial, job, stop):
        searcher.on_trial_result(trial, {"worker": tune.worker_name()})

        def on_epoch(record):
            searcher.on_trial_result(trial, {"record": record})
            searcher.watch()  # Tune calls it at every step

        result = run_safely(self._runner, job, on_epoch, lambda: False)
        searcher.on_trial_result(trial, {"result": result})
        searcher.on_trial_complete(trial, {}, error=result.status == "lost")
