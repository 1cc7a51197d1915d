"""Makes what a sweep.yaml asks to be told: hooks and loggers, beside the display."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from searchctl.orchestrator.callbacks.base import Observer
from searchctl.orchestrator.callbacks.hooks import Hooks
from searchctl.orchestrator.config.hook_settings import HookSettings
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.storage.rows import SweepRow


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
def loggers_of(sweep: Sweep, classes: Sequence[str]) -> Iterator[list[Observer]]:
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
