"""Commands that train: launch, resume, train."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.commands.common import data_root_option, db_option
from orchestrator.commands.files import print_plan, read, sweep_file
from orchestrator.places import database_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.launch import Prepared

inline_option = click.option(
    "--inline", is_flag=True, help="Run the jobs one by one in this process, without Ray."
)


@click.command()
@sweep_file
@db_option
@data_root_option
@inline_option
def launch(sweep_file: Path, db: str | None, data_root: str | None, inline: bool) -> None:
    """Run a sweep to its end: print the ladder, follow the trials, name the winner.

    \b
    Ctrl-C stops it; `searchctl resume NAME` goes on. Exit code 0 with an answer, 3 if no
    trial has a score, 130 or 143 if it was stopped by a signal.
    Example: searchctl launch sweep.yaml
    """
    sweep = read(sweep_file, data_root)
    from orchestrator.launch import prepare

    url = database_url(db, sweep.storage.database_url())
    _run(lambda: prepare(sweep, url, sweep_file.absolute()), inline)


@click.command()
@click.argument("sweep", metavar="SWEEP")
@click.option(
    "--stored", is_flag=True, help="Go on with what was launched, though its file was edited since."
)
@db_option
@inline_option
def resume(sweep: str, stored: bool, db: str | None, inline: bool) -> None:
    """Go on with a sweep that was stopped or killed; what is finished is not run again.

    \b
    The sweep goes on as it was launched; if its file has been edited since, that is refused
    and the difference named.
    Example: searchctl resume quickstart
    """
    from orchestrator.launch import prepare_resume

    _run(lambda: prepare_resume(sweep, database_url(db), compare=not stored), inline)


@click.command()
@click.argument("configuration", metavar="BEST.YAML", type=click.Path(path_type=Path))
@click.option("--epochs", type=click.IntRange(min=1), help="Train for longer, or shorter.")
@click.option("--seed", type=int, help="Another seed.")
@click.option("--train-and-val", is_flag=True, help="Train on the validation images too.")
@data_root_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("trained"),
    show_default=True,
    help="Directory for model.safetensors and metrics.json.",
)
def train(
    configuration: Path,
    epochs: int | None,
    seed: int | None,
    train_and_val: bool,
    data_root: str | None,
    output: Path,
) -> None:
    """Train an exported configuration on all of the data and score it on the test split.

    \b
    Example: searchctl train best.yaml --epochs 100 -o final
    """
    from orchestrator.export import read_exported
    from orchestrator.final_training import train_exported
    from orchestrator.views import duration, number

    exported = read_exported(configuration, epochs=epochs, seed=seed, data_root=data_root)
    total = exported.training.epochs
    result = train_exported(
        exported,
        output,
        train_and_val=train_and_val,
        on_epoch=lambda e: click.echo(
            f"epoch {e.epoch}/{total}: train loss {e.train_loss:.4f}, val loss "
            f"{number(e.val_loss)}, val mIoU {number(e.val_miou)}, {duration(e.seconds)}"
        ),
    )
    for split, scores in result.evaluations.items():
        click.echo(
            f"{split:>14}: mIoU {scores.miou:.4f}, mean accuracy {scores.mean_accuracy:.4f}, "
            f"overall accuracy {scores.overall_accuracy:.4f}, loss {scores.loss:.4f}"
        )
    click.echo(f"wrote {output / 'model.safetensors'} and {output / 'metrics.json'}")


def _run(prepare: "Callable[[], Prepared]", inline: bool) -> None:
    from functools import partial

    from rich.console import Console

    from orchestrator.answer import answer
    from orchestrator.display import LiveDisplay, PlainDisplay, show
    from orchestrator.launch import inline_executor, run
    from orchestrator.signals import StopSwitch

    console = Console(highlight=False)
    display = partial(LiveDisplay if console.is_terminal else PlainDisplay, console)
    with StopSwitch() as stopping:  # from before the sweep is stored: no stop is half of one
        prepared = prepare()
        print_plan(prepared.sweep, prepared.plan)
        row = run(
            prepared,
            executor=inline_executor() if inline else None,
            display=display,
            stopping=stopping,
        )
    name = prepared.sweep.name
    if row.state != "COMPLETE":
        console.print(f"stopped; nothing is lost: go on with `searchctl resume {name}`")
        sys.exit(stopping.exit_code)
    for part in answer(prepared):
        show(part)
