"""The command export: configurations of a sweep as files, or a trial's trained network."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.common import db_option, sweep_argument
from searchctl.orchestrator.cli.views.view import open_sweep

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from searchctl.orchestrator.artifacts.export import Exported
    from searchctl.orchestrator.storage.reads.ranking import RankedTrial
    from searchctl.orchestrator.storage.rows import SweepRow


@click.command()
@sweep_argument
@click.option(
    "--top",
    type=click.IntRange(min=1),
    help="Number of configurations, the best first; 1 if left out.",
)
@click.option("--trial", type=click.IntRange(min=0), help="The configuration of this trial.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; without it, the configuration is printed.",
)
@click.option(
    "--model",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory for the finalist's trained network: model.safetensors, its model card "
    "(README.md) and its configuration (best.yaml).",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there already.")
@db_option
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of YAML.")
def export(
    sweep: str,
    top: int | None,
    trial: int | None,
    output: Path | None,
    model: Path | None,
    overwrite: bool,
    db: str | None,
    as_json: bool,
) -> None:
    """Write the best configuration as a file for `searchctl train`, or a finalist's network.

    \b
    --top 3 -o best.yaml writes best-1.yaml, best-2.yaml and best-3.yaml.
    --model DIR writes the network as the sweep trained it, for `searchctl predict`.
    Example: searchctl export quickstart -o best.yaml
    Example: searchctl export quickstart --trial 7 --model trial-7
    """
    from searchctl.orchestrator.artifacts import export as exporting
    from searchctl.orchestrator.facts.limits import exceeding
    from searchctl.orchestrator.terminal.answer import certainty_lines

    if top is not None and trial is not None:
        raise click.UsageError("--top and --trial exclude each other")
    if model is not None and (output is not None or (top or 1) > 1):
        raise click.UsageError("--model writes one network: leave out -o and --top")
    engine, row = open_sweep(sweep, db)
    ranked = _chosen(engine, row, top or 1, trial)
    if row.state != "COMPLETE":
        click.echo(
            f"warning: '{sweep}' has not ended ({row.state}): showing the best so far", err=True
        )
    for each in ranked:
        if exceeds := exceeding(each.trial, each.violation):
            click.echo(f"warning: {exceeds}", err=True)
    configurations = _configurations(row, ranked)
    fmt = "json" if as_json else "yaml"
    if model is not None:
        _check_model(row, ranked[0], configurations[0], model, overwrite=overwrite)
        exporting.write(configurations, fmt, model / f"best.{fmt}", overwrite=overwrite)
        _write_model(ranked[0], configurations[0], model)
        click.echo(f"wrote {model}: predict with `searchctl predict {model} IMAGES -o masks`")
    elif output is None:
        click.echo(exporting.as_text(configurations, fmt), nl=False)
    else:
        for path in exporting.write(configurations, fmt, output, overwrite=overwrite):
            click.echo(f"wrote {path}")
        for line in certainty_lines(engine, row):
            click.echo(line)


def _chosen(engine: "Engine", row: "SweepRow", top: int, trial: int | None) -> "list[RankedTrial]":
    """Return the best trials, or the one of that number."""
    from searchctl.orchestrator.core.errors import SearchctlError
    from searchctl.orchestrator.facts.ranking import rank_trials

    if trial is None:
        return rank_trials(engine, row, top)
    found = [each for each in rank_trials(engine, row) if each.trial == trial]
    if not found:
        raise SearchctlError(
            f"sweep '{row.name}' has no score of a trial {trial}: see `searchctl status {row.name}`"
        )
    return found


def _configurations(row: "SweepRow", ranked: "list[RankedTrial]") -> "list[Exported]":
    from searchctl.orchestrator.artifacts import export as exporting
    from searchctl.orchestrator.artifacts.directory import runs_directory
    from searchctl.orchestrator.artifacts.initial_files import InitialFiles
    from searchctl.orchestrator.config.sweep import Sweep

    stored = Sweep.from_json(row.spec)
    initial = InitialFiles.stored(runs_directory(stored), row)
    return [exporting.export(stored, each, initial) for each in ranked]


def _check_model(
    row: "SweepRow",
    ranked: "RankedTrial",
    exported: "Exported",
    folder: Path,
    *,
    overwrite: bool,
) -> None:
    """Check that a trial's network is there, and that it would replace nothing."""
    from upath import UPath

    from searchctl.orchestrator.artifacts.directory import check_writable
    from searchctl.orchestrator.artifacts.model_directory import WEIGHTS, check_free
    from searchctl.orchestrator.core.errors import SearchctlError
    from searchctl.trainer.core.atomic_files import file_exists
    from searchctl.trainer.script.settings import ScriptSettings

    if isinstance(exported.training, ScriptSettings):
        raise SearchctlError(
            f"the weights of a script are its own: copy {ranked.weights or 'them'} "
            "(--model is for networks that searchctl trains)"
        )
    if ranked.weights is None:
        raise SearchctlError(
            f"trial {ranked.trial} of '{row.name}' was dropped after rung {ranked.rung}, and only "
            "the weights of finalists are kept: export its configuration with -o, and train it"
        )
    if not file_exists(UPath(ranked.weights)):
        raise SearchctlError(
            f"{ranked.weights} is gone: put the sweep's files back, or export its configuration "
            "with -o, and train it"
        )
    check_free(UPath(folder), overwrite=overwrite, finished=(WEIGHTS,))
    check_writable(UPath(folder), "name another directory with --model")


def _write_model(ranked: "RankedTrial", exported: "Exported", folder: Path) -> None:
    from upath import UPath

    from searchctl.orchestrator.artifacts.model_directory import write_model

    assert ranked.weights is not None, "it was checked"
    write_model(
        UPath(folder), UPath(ranked.weights), source=exported.source, code=exported.own_code
    )
