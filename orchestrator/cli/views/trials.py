"""The command trials: all trials of a sweep as one table."""

import click

from searchctl.orchestrator.cli.common import db_option, json_option, print_json, sweep_argument
from searchctl.orchestrator.cli.views.view import open_sweep


@click.command()
@sweep_argument
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV: one column for each fact.")
@db_option
@json_option
def trials(sweep: str, as_csv: bool, db: str | None, as_json: bool) -> None:
    """List all trials of a sweep: rank, state, highest rung, score, time and params.

    \b
    The best trial is first; trials without a rank come last. A score is the one at the highest
    rung of a trial, and the time is that of all its jobs on the ladder.
    --csv has more columns: all recorded scores, the scores by size of the sample
    (score_at_N), GPU seconds, parameters and latency. A param is a column params_NAME.
    --json has the same with the jobs of each trial.
    Example: searchctl trials quickstart --csv > trials.csv
    """
    from dataclasses import asdict

    from searchctl.orchestrator.storage.scores import ranked_by
    from searchctl.orchestrator.tables.flat import csv_text, flat_trials
    from searchctl.orchestrator.tables.trials import trial_table
    from searchctl.orchestrator.terminal.trials.table import trial_lines

    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other")
    engine, row = open_sweep(sweep, db)
    rows = trial_table(engine, row)
    if as_csv:
        click.echo(csv_text(flat_trials(rows)), nl=False)
    elif as_json:
        print_json([asdict(each) for each in rows])
    else:
        click.echo("\n".join(trial_lines(rows, ranked_by(row.spec))))
