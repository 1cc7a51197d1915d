"""Tells several observers of one sweep: its display, and the loggers that were asked for."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from searchctl.orchestrator.callbacks.base import Callback, SeenJob
from searchctl.orchestrator.callbacks.hooks import Hooks
from searchctl.orchestrator.config.hook_settings import HookSettings
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.trainer.core.results import EpochRecord, JobResult

log = logging.getLogger("searchctl")


class Callbacks(Callback):
    """Tells the display, then each logger; a logger that fails is told no more."""

    def __init__(self, display: Callback, loggers: Iterable[Callback]) -> None:
        """Tell these."""
        self._display = display
        self._loggers = list(loggers)

    def job_started(self, job: SeenJob, attempt: int) -> None:
        """Tell that an attempt at a job has begun."""
        self._tell("job_started", job, attempt)

    def epoch(self, job: SeenJob, record: EpochRecord) -> None:
        """Tell of an epoch."""
        self._tell("epoch", job, record)

    def job_done(self, job: SeenJob, result: JobResult) -> None:
        """Tell of a result."""
        self._tell("job_done", job, result)

    def job_lost(self, job: SeenJob, error: str, losses: int) -> None:
        """Tell that a job's worker died."""
        self._tell("job_lost", job, error, losses)

    def database_down(self, error: str) -> None:
        """Tell that the database does not answer."""
        self._tell("database_down", error)

    def database_up(self) -> None:
        """Tell that the database answers again."""
        self._tell("database_up")

    def rung_closed(self, decisions: Sequence[Decision]) -> None:
        """Tell of the decisions on a rung."""
        self._tell("rung_closed", decisions)

    def _tell(self, what: str, *news: Any) -> None:
        getattr(self._display, what)(*news)
        for logger in tuple(self._loggers):
            try:
                getattr(logger, what)(*news)
            except Exception as error:
                name = type(logger).__name__
                log.warning("%s is told no more, the sweep goes on: %s", name, error)
                self._loggers.remove(logger)


def hooks_of(
    sweep: Sweep, row: SweepRow, note: Callable[..., None], say: Callable[[str], None]
) -> Hooks:
    """Return a sweep's hooks; none of one that had ended before: its end has been told.

    Args:
        sweep: the sweep.
        row: as it was when this run began.
        note: stores an event.
        say: is told what there is to wait for.
    """
    settings = HookSettings() if row.state in ("COMPLETE", "FAIL") else sweep.hooks
    return Hooks(sweep, settings, note, say)


@contextmanager
def loggers_of(sweep: Sweep, classes: Sequence[str]) -> Iterator[list[Callback]]:
    """Open the loggers that are asked for, of a sweep whose data have these classes."""
    folder = sweep.loggers.tensorboard
    if folder is None:
        yield []
        return
    from searchctl.orchestrator.callbacks.tensorboard import TensorBoardLogger

    def epochs(params: Mapping[str, Any]) -> int:
        return int(params.get("epochs", sweep.training.epochs))

    with TensorBoardLogger(folder / sweep.name, epochs, classes) as logger:
        yield [logger]
