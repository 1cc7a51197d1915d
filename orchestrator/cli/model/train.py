"""The command train: trains one exported configuration in this process."""

import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.common import data_root_option
from searchctl.orchestrator.cli.drive.driving import decoding

if TYPE_CHECKING:
    from searchctl.orchestrator.artifacts.export import Exported


@click.command()
@click.argument("configuration", metavar="BEST.YAML", type=click.Path(path_type=Path))
@click.option(
    "--epochs", type=click.IntRange(min=1), help="Epochs, instead of the exported number."
)
@click.option("--seed", type=int, help="Seed, instead of the exported one.")
@click.option("--train-and-val", is_flag=True, help="Train on the validation images too.")
@data_root_option
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Directory, or s3://..., for the model: its weights, model card and metrics. Default: "
    "trained/SWEEP-trial-NUMBER.",
)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace a finished model, or a training of other settings, in that directory.",
)
def train(
    configuration: Path,
    epochs: int | None,
    seed: int | None,
    train_and_val: bool,
    data_root: str | None,
    output: str | None,
    overwrite: bool,
) -> None:
    """Train an exported configuration on all of the data, and score it on the test split.

    \b
    It writes model.safetensors, README.md (the model card) and metrics.json, and never over a
    finished model unless --overwrite is given.
    Ctrl-C stops it, a second Ctrl-C at once. The same command continues after the last epoch,
    after a crash too. Exit code 130 or 143 if a signal stopped it.
    Example: searchctl train best.yaml --epochs 100 -o final
    """
    from dataclasses import asdict

    from upath import UPath

    from searchctl.orchestrator.artifacts.export import read_exported
    from searchctl.orchestrator.core.signals import StopSwitch
    from searchctl.orchestrator.facts.sweeps import duration, number
    from searchctl.orchestrator.run.final.training import train_exported
    from searchctl.orchestrator.storage.scores import epoch_score, split_scores, split_value
    from searchctl.orchestrator.terminal.display import plain_console
    from searchctl.trainer.settings.training import TrainSettings

    exported = read_exported(configuration, epochs=epochs, seed=seed, data_root=data_root)
    total, out = exported.training.epochs, UPath(output or _directory(exported, configuration))
    name, shown = epoch_score(exported.shown_score)
    _print_log("searchctl.trainer")  # it logs which checkpoint it continues from, or why none
    with (
        StopSwitch("the same command continues after the last epoch") as stopping,
        decoding(plain_console(), stopping) as tell,
    ):
        result = train_exported(
            exported,
            out,
            train_and_val=train_and_val,
            overwrite=overwrite,
            on_epoch=lambda e: _echo(
                f"epoch {e.epoch}/{total}: train loss {number(e.train_loss)}, val loss "
                f"{number(e.val_loss)}, {shown} {number(e.value(name))}, {duration(e.seconds)}"
            ),
            stop=stopping,
            tell=tell,
        )
    if result.status == "stopped":
        done = len(result.epochs)
        click.echo(f"stopped after {done} of {total} epochs: the same command continues")
        sys.exit(stopping.exit_code)
    named = {**split_scores(exported.shown_score), "loss": "loss"}
    for split, evaluation in result.evaluations.items():
        scores = asdict(evaluation)
        shown_scores = (f"{n} {number(split_value(scores, key))}" for n, key in named.items())
        click.echo(f"{split:>14}: {', '.join(shown_scores)}")
    weights = f"{result.weights} and " if result.weights else ""
    click.echo(f"wrote {weights}{out / 'metrics.json'}")
    if isinstance(exported.training, TrainSettings):
        click.echo(f"predict with it: searchctl predict {out} IMAGES -o masks")


def _directory(exported: "Exported", configuration: Path) -> str:
    """Return the default directory of a model: each trial of each sweep has its own."""
    source = exported.source
    name = f"{source.sweep}-trial-{source.trial}" if source else configuration.stem
    return str(Path("trained", name))


def _echo(line: str) -> None:
    """Print a line; a closed pipe (`| head`) must not end a training."""
    with suppress(BrokenPipeError):
        click.echo(line)


def _print_log(name: str) -> None:
    """Print the messages of the logger of that name."""
    logger, handler = logging.getLogger(name), logging.StreamHandler(sys.stdout)
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
