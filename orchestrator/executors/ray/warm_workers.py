"""Keeps workers over the barriers of a ladder, since a new one imports everything again.

With `reuse_actors`, Tune keeps an idle worker only for a trial that waits for one. At a barrier
none does, so Tune ends all workers but one. The number that it keeps is in a private part of it.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ray import tune
from ray.tune.schedulers import FIFOScheduler

log = logging.getLogger("searchctl")

IDLE_LIMIT_S = 30.0
"""Seconds after which an idle worker is given back: a few times what the start of one takes."""


class WarmWorkers(FIFOScheduler):  # type: ignore[misc]
    """Starts trials as they come, and keeps as many idle workers as the next rung has a use for.

    If Tune's private part is not as expected, workers are started again at every rung.
    """

    def __init__(
        self,
        wanted: Callable[[int], int],
        resources: tune.PlacementGroupFactory,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep at most `wanted(ended)` idle workers.

        Args:
            wanted: returns the number of idle workers that may get a job soon, given the number of
                jobs that have ended and that it still counts as running.
            resources: of each worker.
            clock: seconds.
        """
        super().__init__()
        self._wanted = wanted
        self._resources = resources
        self._clock = clock
        self._kept = 0
        self._idle_since: dict[Any, float] = {}
        self._said = False

    def __getstate__(self) -> dict[str, Any]:
        """Return nothing: Tune writes its parts to disk for a restore that is not used."""
        return {}

    def choose_trial_to_run(self, tune_controller: Any) -> None:
        """Set how many idle workers are kept, and choose no trial. Called at every step.

        Tune then starts new trials in their order. If the oldest pending trial were chosen, it
        would take the first idle worker, and its own worker would be ended while it starts.
        """
        self._keep(tune_controller, self._wanted(0))

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: Any) -> None:
        """Let the worker of this trial be kept. Called before the searcher has the result."""
        self._keep(tune_controller, self._wanted(1))

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Give back all idle workers: they may be gone with their node, and a retry needs one."""
        with self._unless_changed():
            tune_controller._cleanup_cached_actors(force_all=True)

    def _keep(self, tune_controller: Any, wanted: int) -> None:
        with self._unless_changed():
            self._set_most(tune_controller._actor_cache, wanted)

    def _set_most(self, cache: Any, wanted: int) -> None:
        now, before = self._clock(), self._idle_since
        idle = cache._cached_objects[self._resources]
        self._idle_since = {worker: before.get(worker, now) for worker in idle}
        expired = sum(now - since > IDLE_LIMIT_S for since in self._idle_since.values())
        keep = min(wanted, len(idle) - expired) if expired else wanted
        cache.increase_max(self._resources, by=keep - self._kept)
        self._kept = keep

    @contextmanager
    def _unless_changed(self) -> Iterator[None]:
        try:
            yield
        except (AttributeError, TypeError) as error:
            if not self._said:
                log.warning("this version of Ray starts all workers again at each rung: %s", error)
            self._said = True
