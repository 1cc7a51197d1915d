"""Commands that train, and the one that ends it: launch, resume, stop, train."""

import logging
import sys
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.commands.budget import budgeted, deadline_option, gpu_hours_option
from orchestrator.commands.common import STOPPED, data_root_option, db_option
from orchestrator.commands.files import read, sweep_file
from orchestrator.commands.look import open_sweep
from orchestrator.commands.plan import print_plan, probed_first
from orchestrator.places import database_url, db_option_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from orchestrator.prepare import Prepared
    from orchestrator.signals import StopSwitch
    from trainer.cache import Tell

inline_option = click.option(
    "--inline", is_flag=True, help="Run the jobs one by one in this process, without Ray."
)


@click.command()
@sweep_file
@db_option
@data_root_option
@inline_option
@click.option(
    "--probe", is_flag=True, help="First time the configurations, as `searchctl plan --probe` does."
)
@deadline_option
@gpu_hours_option
def launch(
    sweep_file: Path,
    db: str | None,
    data_root: str | None,
    inline: bool,
    probe: bool,
    deadline: str | None,
    gpu_hours: float | None,
) -> None:
    """Run a sweep to its end: print the ladder, follow the trials, name the winner.

    \b
    Ctrl-C stops it, a second one at once; `searchctl resume NAME` goes on. Exit code 0 with
    an answer, 3 if no trial has a score, 4 if `searchctl stop`, a deadline or a budget ended
    it, 130 or 143 if a signal did.
    Example: searchctl launch sweep.yaml --deadline 8h
    """

    def prepared(tell: "Tell") -> "Prepared":
        sweep = budgeted(read(sweep_file, data_root), deadline, gpu_hours)
        from orchestrator.prepare import prepare

        url = database_url(db, sweep.storage.database_url())
        store = partial(prepare, sweep, url, sweep_file.absolute(), tell)
        return probed_first(sweep, store, inline=inline) if probe else store()

    _run(prepared, inline)


@click.command()
@click.argument("sweep", metavar="SWEEP")
@click.option(
    "--stored", is_flag=True, help="Go on with what was launched, though its file was edited since."
)
@click.option(
    "--accept-changes",
    is_flag=True,
    help="Go on though training settings, data or packages have changed; it is recorded.",
)
@db_option
@data_root_option
@inline_option
@deadline_option
@gpu_hours_option
def resume(
    sweep: str,
    stored: bool,
    accept_changes: bool,
    db: str | None,
    data_root: str | None,
    inline: bool,
    deadline: str | None,
    gpu_hours: float | None,
) -> None:
    """Go on with a sweep that was stopped or killed; what is finished is not run again.

    \b
    Jobs go on from their last epoch. What is computed must be what was launched: if the
    sweep's file, the data or a package's major version have changed, that is refused and the
    difference named. Resources, the budget, the data's directory and the machine may change.
    Example: searchctl resume quickstart
    """

    def prepare(tell: "Tell") -> "Prepared":
        from dataclasses import replace

        from orchestrator.resume import prepare_resume

        prepared = prepare_resume(
            sweep,
            database_url(db),
            stored=stored,
            accept_changes=accept_changes,
            data_root=Path(data_root) if data_root else None,
            tell=tell,
        )
        if prepared.row.state == "COMPLETE":
            return prepared
        return replace(prepared, sweep=budgeted(prepared.sweep, deadline, gpu_hours))

    _run(prepare, inline)


@click.command()
@click.argument("sweep", metavar="SWEEP")
@click.option("--wait", is_flag=True, help="Return when its driver has left.")
@db_option
def stop(sweep: str, wait: bool, db: str | None) -> None:
    """Ask the driver of a running sweep, on whatever machine, to stop; nothing is lost.

    \b
    It leaves within seconds; `searchctl resume NAME` goes on.
    Example: searchctl stop quickstart
    """
    import time

    from orchestrator.storage.writer import request_state

    engine, row = open_sweep(sweep, db)
    if row.driver is None:
        click.echo(f"no driver is running '{sweep}' ({row.shown_state}): there is none to stop")
        return
    request_state(engine, sweep, "STOPPED")
    click.echo(f"asked {row.driver} to stop '{sweep}'")
    while wait and row.driver is not None:
        time.sleep(0.5)
        _, row = open_sweep(sweep, db)
    if wait:
        click.echo(f"'{sweep}' is {row.shown_state}" + (f": {row.error}" if row.error else ""))


@click.command()
@click.argument("configuration", metavar="BEST.YAML", type=click.Path(path_type=Path))
@click.option("--epochs", type=click.IntRange(min=1), help="Train for longer, or shorter.")
@click.option("--seed", type=int, help="Another seed.")
@click.option("--train-and-val", is_flag=True, help="Train on the validation images too.")
@data_root_option
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False),
    default="trained",
    show_default=True,
    help="Directory, or s3://..., for model.safetensors and metrics.json.",
)
def train(
    configuration: Path,
    epochs: int | None,
    seed: int | None,
    train_and_val: bool,
    data_root: str | None,
    output: str,
) -> None:
    """Train an exported configuration on all of the data and score it on the test split.

    \b
    Ctrl-C stops it, a second one at once; the same command then goes on from the last epoch,
    as it does after a crash. Exit code 130 or 143 if a signal stopped it.
    Example: searchctl train best.yaml --epochs 100 -o final
    """
    from rich.console import Console
    from upath import UPath

    from orchestrator.export import read_exported
    from orchestrator.final_training import train_exported
    from orchestrator.signals import StopSwitch
    from orchestrator.views.sweeps import duration, epoch_score, number

    exported = read_exported(configuration, epochs=epochs, seed=seed, data_root=data_root)
    total, out = exported.training.epochs, UPath(output)
    name, shown = epoch_score(exported.shown_score)
    _print_log("trainer")  # it says from which checkpoint it goes on, or why from none
    with (
        StopSwitch("the same command goes on from the last epoch") as stopping,
        _decoding(Console(highlight=False), stopping) as tell,
    ):
        result = train_exported(
            exported,
            out,
            train_and_val=train_and_val,
            on_epoch=lambda e: _echo(
                f"epoch {e.epoch}/{total}: train loss {e.train_loss:.4f}, val loss "
                f"{number(e.val_loss)}, {shown} {number(getattr(e, name))}, {duration(e.seconds)}"
            ),
            stop=stopping,
            tell=tell,
        )
    if result.status == "stopped":
        done = len(result.epochs)
        click.echo(f"stopped after {done} of {total} epochs: the same command goes on from there")
        sys.exit(stopping.exit_code)
    for split, scores in result.evaluations.items():
        click.echo(
            f"{split:>14}: mIoU {scores.miou:.4f}, mean accuracy {scores.mean_accuracy:.4f}, "
            f"overall accuracy {scores.overall_accuracy:.4f}, loss {scores.loss:.4f}"
        )
    click.echo(f"wrote {out / 'model.safetensors'} and {out / 'metrics.json'}")


def _echo(line: str) -> None:
    """Print a line; that its reader has gone (`| head`) must not end a training."""
    with suppress(BrokenPipeError):
        click.echo(line)


def _print_log(name: str) -> None:
    """Print what a logger of that name has to say."""
    logger, handler = logging.getLogger(name), logging.StreamHandler(sys.stdout)
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)


@contextmanager
def _decoding(console: "Console", stopping: "StopSwitch") -> "Iterator[Tell]":
    """Show the decoding of images; a stop in the middle of it ends the command."""
    from orchestrator.decoding import DecodingDisplay, DecodingStopped

    try:
        with DecodingDisplay(console, stopping) as display:
            yield display
    except DecodingStopped:
        console.print("stopped while images were decoded: the same command decodes them again")
        sys.exit(stopping.exit_code)


def _run(prepare: "Callable[[Tell], Prepared]", inline: bool) -> None:
    from orchestrator.signals import StopSwitch

    # from before the imports, in some of which a KeyboardInterrupt is lost without a trace; and
    # before the sweep is stored: no stop is half of one
    with StopSwitch() as stopping:
        from rich.console import Console

        from orchestrator.launch import inline_executor, run
        from orchestrator.views.answer import answer
        from orchestrator.views.display import show
        from orchestrator.views.live import LiveDisplay, PlainDisplay

        console = Console(highlight=False)
        drawn = partial(LiveDisplay, console, stopping.notice)
        with _decoding(console, stopping) as tell:
            prepared = prepare(tell)
        stopping.drawn = live = console.is_terminal
        for note in prepared.notes:
            console.print(note, soft_wrap=True)
        print_plan(prepared.sweep, prepared.plan)
        row = run(
            prepared,
            executor=inline_executor() if inline else None,
            display=drawn if live else partial(PlainDisplay, console),
            stopping=stopping.reason,
            say=console.print,
        )
    name = prepared.sweep.name
    if row.state != "COMPLETE":
        console.print(f"stopped: {row.error}", soft_wrap=True)
        command = f"searchctl resume {name}{db_option_for(prepared.url)}"
        console.print(f"nothing is lost: go on with `{command}`", soft_wrap=True)
        sys.exit(stopping.exit_code or STOPPED)
    for part in answer(prepared):
        show(part)
