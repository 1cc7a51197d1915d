"""Distributes the events of a sweep to its callbacks: the display and the loggers."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from searchctl.orchestrator.callbacks.background import InBackground, NetworkLogger
from searchctl.orchestrator.callbacks.base import Callback, JobView
from searchctl.orchestrator.callbacks.completed import Completed
from searchctl.orchestrator.callbacks.hooks import Hooks
from searchctl.orchestrator.callbacks.values import LoggedValues
from searchctl.orchestrator.config.sections.hooks import HookSettings
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.searchspace import Params
from searchctl.trainer.core.results import EpochRecord, JobResult

if TYPE_CHECKING:
    from searchctl.orchestrator.callbacks.tensorboard import TensorBoardLogger

log = logging.getLogger("searchctl")


class Callbacks(Callback):
    """Calls the display, then each logger. A logger that raises an error is removed."""

    def __init__(self, display: Callback, loggers: Iterable[Callback]) -> None:
        """Create the list of callbacks."""
        self._display = display
        self._loggers = list(loggers)

    def job_started(self, job: JobView, attempt: int) -> None:
        """Report that an attempt at a job has started."""
        self._notify("job_started", job, attempt)

    def epoch(self, job: JobView, record: EpochRecord) -> None:
        """Report an epoch."""
        self._notify("epoch", job, record)

    def job_done(self, job: JobView, result: JobResult) -> None:
        """Report a result."""
        self._notify("job_done", job, result)

    def job_lost(self, job: JobView, error: str, losses: int) -> None:
        """Report that a job's worker died."""
        self._notify("job_lost", job, error, losses)

    def database_down(self, error: str) -> None:
        """Report that the database does not answer."""
        self._notify("database_down", error)

    def database_up(self) -> None:
        """Report that the database answers again."""
        self._notify("database_up")

    def rung_closed(self, decisions: Sequence[Decision]) -> None:
        """Report the decisions on a rung."""
        self._notify("rung_closed", decisions)

    def completed(self, end: Completed) -> None:
        """Report the end of a sweep with a winner."""
        self._notify("completed", end)

    def _notify(self, method: str, *arguments: Any) -> None:
        getattr(self._display, method)(*arguments)
        for logger in tuple(self._loggers):
            try:
                getattr(logger, method)(*arguments)
            except Exception as error:
                # A full disk or a bug of a logger must not end a sweep of many GPU hours.
                name = type(logger).__name__
                log.warning("%s failed and is disabled; the sweep continues: %s", name, error)
                self._loggers.remove(logger)


def hooks_of(
    sweep: Sweep,
    row: SweepRow,
    trials: Mapping[int, Params],
    note: Callable[..., None],
    say: Callable[[str], None],
) -> Hooks:
    """Return a sweep's hooks. A sweep that had already ended gets none, since they have run.

    Args:
        sweep: the sweep.
        row: the stored sweep at the start of this run.
        trials: params of its trials by number; trials may be added to it later.
        note: stores an event.
        say: prints a line for the user.
    """
    settings = HookSettings() if row.state in ("COMPLETE", "FAIL") else sweep.hooks
    return Hooks(sweep, settings, trials, note, say)


@contextmanager
def loggers_of(sweep: Sweep, classes: Sequence[str]) -> Iterator[list[Callback]]:
    """Open the loggers of a sweep's settings; `classes` are the class names of its data set."""

    def epochs(params: Mapping[str, Any]) -> int:
        return int(params.get("epochs", sweep.recipe.epochs))

    values = LoggedValues(epochs, classes)
    with ExitStack() as stack:
        yield [stack.enter_context(each) for each in _loggers(sweep, classes, values)]


def _loggers(
    sweep: Sweep, classes: Sequence[str], values: LoggedValues
) -> "Iterator[TensorBoardLogger | InBackground]":
    settings = sweep.loggers
    if settings.tensorboard is not None:
        from searchctl.orchestrator.callbacks.tensorboard import TensorBoardLogger  # imports torch

        yield TensorBoardLogger(settings.tensorboard / sweep.name, values)
    if settings.mlflow is not None:
        yield InBackground(partial(_mlflow, settings.mlflow, sweep.name, values), "MLflow")
    if settings.wandb is not None:
        yield InBackground(partial(_wandb, settings.wandb, sweep.name, values), "W&B")
    for where, args in settings.own.items():
        yield InBackground(partial(_own, where, args, sweep.name, classes, values), where)


def _mlflow(uri: str, sweep: str, values: LoggedValues) -> NetworkLogger:
    from searchctl.orchestrator.callbacks.mlflow import MlflowLogger  # takes seconds

    return MlflowLogger(uri, sweep, values)


def _wandb(project: str, sweep: str, values: LoggedValues) -> NetworkLogger:
    from searchctl.orchestrator.callbacks.wandb import WandbLogger  # takes seconds

    return WandbLogger(project, sweep, values)


def _own(
    where: str, args: Mapping[str, Any], sweep: str, classes: Sequence[str], values: LoggedValues
) -> NetworkLogger:
    from searchctl.orchestrator.callbacks.own import OwnLogger  # imports torch

    return OwnLogger(where, args, sweep, classes, values)
