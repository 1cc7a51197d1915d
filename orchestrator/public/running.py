"""Runs a sweep from Python: with its progress where someone sees it, and stopped by a signal."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec

from rich.console import Console

from searchctl.orchestrator.core.signals import StopSwitch
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.facts.running.progress import Progress
from searchctl.orchestrator.run.launch import Display, run
from searchctl.orchestrator.run.preparation.prepare import Prepared
from searchctl.orchestrator.terminal.display import plain_console
from searchctl.orchestrator.terminal.live import LiveDisplay, PlainDisplay


def run_shown(prepared: Prepared, *, inline: bool) -> None:
    """Run a prepared sweep until it ends or is stopped.

    The progress is shown on a terminal and in a notebook, and nowhere else. Ctrl-C, or the
    notebook's "interrupt", stops the sweep, which can be resumed.

    Args:
        prepared: the sweep.
        inline: run the jobs one by one in this process, without Ray.

    Raises:
        SearchctlError: it ended without a winner.
    """
    console = plain_console()
    with _stop_switch() as stopping:
        run(
            prepared,
            executor=InlineExecutor() if inline else None,
            display=_display(console, stopping),
            stopping=stopping.reason,
        )


@contextmanager
def _stop_switch() -> Iterator[StopSwitch]:
    """Handle signals, which only a process's main thread can."""
    stopping = StopSwitch()
    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    with stopping:
        yield stopping


def _display(console: Console, stopping: StopSwitch) -> Display:
    # rich draws a live table into a notebook by ipywidgets
    if console.is_terminal and (not console.is_jupyter or find_spec("ipywidgets")):
        stopping.drawn = True
        return partial(LiveDisplay, console, stopping.notice)
    return partial(PlainDisplay, console) if console.is_jupyter else Progress
