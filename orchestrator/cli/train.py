"""The command train: one exported configuration, to its end, in this process."""

import logging
import sys
from contextlib import suppress
from pathlib import Path

import click

from searchctl.orchestrator.cli.common import data_root_option
from searchctl.orchestrator.cli.driving import decoding


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
    from upath import UPath

    from searchctl.orchestrator.artifacts.export import read_exported
    from searchctl.orchestrator.core.signals import StopSwitch
    from searchctl.orchestrator.facts.sweeps import duration, epoch_score, number, split_scores
    from searchctl.orchestrator.run.final_training import train_exported
    from searchctl.orchestrator.terminal.display import plain_console

    exported = read_exported(configuration, epochs=epochs, seed=seed, data_root=data_root)
    total, out = exported.training.epochs, UPath(output)
    name, shown = epoch_score(exported.shown_score)
    _print_log("searchctl.trainer")  # it says from which checkpoint it goes on, or why from none
    with (
        StopSwitch("the same command goes on from the last epoch") as stopping,
        decoding(plain_console(), stopping) as tell,
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
    named = {**split_scores(exported.shown_score), "loss": "loss"}
    for split, scores in result.evaluations.items():
        told = (f"{label} {getattr(scores, key):.4f}" for label, key in named.items())
        click.echo(f"{split:>14}: {', '.join(told)}")
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
