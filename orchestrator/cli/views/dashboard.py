"""The command that serves Optuna's dashboard and the reports: dashboard."""

import socket
from contextlib import suppress
from pathlib import Path

import click

from searchctl.orchestrator.cli.common import db_option
from searchctl.orchestrator.cli.views.view import open_sweep
from searchctl.orchestrator.config.locations import database_url


@click.command()
@click.argument("sweep", metavar="[SWEEP]", required=False)
@click.option("--all", "every", is_flag=True, help="Open the list of all sweeps of the database.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port; 0 selects a free one.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File of mode 600 that holds the token; without it: $SEARCHCTL_DASHBOARD_TOKEN.",
)
@db_option
def dashboard(
    sweep: str | None,
    every: bool,
    host: str,
    port: int,
    token_file: Path | None,
    db: str | None,
) -> None:
    """Serve Optuna's dashboard of the database until Ctrl-C; each sweep is a study.

    \b
    Only this machine can open it, unless --host is another address. Then it needs a token. If
    none is given, one is generated and printed as part of the address; scripts send the header
    `Authorization: Bearer TOKEN`. The current report of each sweep is at /report.
    The connection is not encrypted: over a network, use `ssh -L 8080:localhost:8080 HOST`.
    Example: searchctl dashboard quickstart
    """
    if (sweep is None) == (not every):
        raise click.UsageError("give a SWEEP, or --all")
    from searchctl.orchestrator.search.study import study_id
    from searchctl.orchestrator.storage.database import open_database
    from searchctl.orchestrator.web.access import given_token, is_loopback, new_token
    from searchctl.orchestrator.web.dashboard import Dashboard, make_server
    from searchctl.orchestrator.web.pictures import PictureStore
    from searchctl.orchestrator.web.report import ReportApp

    url = database_url(db)
    engine = open_database(url)
    path, report = "/dashboard", "/report"
    if sweep is not None:
        open_sweep(sweep, db)
        path, report = f"/dashboard/studies/{study_id(url, sweep)}", f"/report/{sweep}"
    given = given_token(token_file)
    token = given or (None if is_loopback(host) else new_token())
    app = Dashboard(url, PictureStore(engine), ReportApp(engine))
    with make_server(app, host, port, token) as server:
        token_part = f"?token={token}" if token and not given else ""
        address = f"http://{_shown(host)}:{server.server_port}"
        click.echo(f"dashboard at {address}{path}{token_part}")
        click.echo(f"report at    {address}{report}{token_part}")
        if given:  # the output may be a log that others read
            click.echo("it needs the token that was given: add ?token=TOKEN")
        click.echo("press Ctrl-C to end it")
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def _shown(host: str) -> str:
    """Return the host name to put into a browser for an address that the server listens on."""
    if host in ("0.0.0.0", "::"):  # every address of this machine
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
