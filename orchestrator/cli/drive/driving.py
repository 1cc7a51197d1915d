"""Drives a sweep in this process to its end, and shows its progress."""

import os
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from searchctl.orchestrator.cli.before.plan import print_plan
from searchctl.orchestrator.cli.common import STOPPED
from searchctl.orchestrator.config.locations import db_option_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from searchctl.orchestrator.core.signals import StopSwitch
    from searchctl.orchestrator.run.preparation.prepare import Prepared
    from searchctl.orchestrator.storage.rows import SweepRow
    from searchctl.trainer.data.cache.store import OnProgress


def drive(
    prepare: "Callable[[OnProgress], Prepared]", stopping: "StopSwitch", *, inline: bool
) -> None:
    """Prepare a sweep, run it to its end, and print the winner.

    Args:
        prepare: makes the sweep ready; takes a callback that counts the decoded images.
        stopping: handles signals. It is installed before the imports, because some of them
            swallow a KeyboardInterrupt, and before the sweep is stored.
        inline: run the jobs in this process.
    """
    from searchctl.orchestrator.terminal.answer import answer
    from searchctl.orchestrator.terminal.display import plain_console, show

    console = plain_console()
    with decoding(console, stopping) as tell:
        prepared = prepare(tell)
    for note in prepared.notes:
        console.print(note, soft_wrap=True)
    print_plan(prepared.sweep, prepared.plan)
    row = run_here(prepared, stopping, console, inline=inline)
    name = prepared.sweep.name
    if row.state != "COMPLETE":
        console.print(f"stopped: {row.error}", soft_wrap=True)
        command = f"searchctl resume {name}{db_option_for(prepared.url)}"
        console.print(f"nothing is lost: resume it with `{command}`", soft_wrap=True)
        if stopping.exit_code and not inline:
            _leave(stopping.exit_code)
        sys.exit(stopping.exit_code or STOPPED)
    for part in answer(prepared.engine, row, prepared.url):
        show(part)


def _leave(code: int) -> None:
    """End this process at once, with all stored and Ray shut down.

    Ray's native handler may have taken the signal while Ray started; then its threads may crash
    while Python ends, and the exit code would be that of the crash.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run_here(
    prepared: "Prepared", stopping: "StopSwitch", console: "Console", *, inline: bool
) -> "SweepRow":
    """Run a prepared sweep until it ends or is stopped, and show its progress; return its row."""
    from searchctl.orchestrator.executors.inline import InlineExecutor
    from searchctl.orchestrator.run.launch import run
    from searchctl.orchestrator.terminal.live import LiveDisplay, PlainDisplay

    stopping.drawn = live = console.is_terminal
    drawn = partial(LiveDisplay, console, stopping.notice)
    return run(
        prepared,
        executor=InlineExecutor() if inline else None,
        display=drawn if live else partial(PlainDisplay, console),
        stopping=stopping.reason,
        say=console.print,
    )


@contextmanager
def decoding(console: "Console", stopping: "StopSwitch") -> "Iterator[OnProgress]":
    """Show the progress of decoding images; a stop while images are decoded ends the command."""
    from searchctl.orchestrator.run.preparation.decoding import DecodingDisplay, DecodingStopped

    try:
        with DecodingDisplay(console, stopping) as display:
            yield display
    except DecodingStopped:
        console.print("stopped while decoding images: run the same command again")
        sys.exit(stopping.exit_code)
