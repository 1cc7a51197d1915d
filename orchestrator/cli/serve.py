"""The command that serves pages: dashboard."""

import socket
from contextlib import suppress
from pathlib import Path

import click

from searchctl.orchestrator.cli.common import db_option
from searchctl.orchestrator.cli.look import open_sweep
from searchctl.orchestrator.config.locations import database_url


@click.command()
@click.argument("sweep", metavar="[SWEEP]", required=False)
@click.option("--all", "every", is_flag=True, help="Open the list of all the database's sweeps.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port; 0 takes a free one.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File with the token, of mode 600; without it: $SEARCHCTL_DASHBOARD_TOKEN.",
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
    """Serve Optuna's dashboard over the database until Ctrl-C; a sweep's trials are its study.

    \b
    It is served to this machine. At any other --host it needs a token. If none is given, one is
    generated, and is in the printed address; scripts send `Authorization: Bearer TOKEN`.
    The report on each sweep, as it is now, is beside it, at /report.
    The connection is not encrypted: over a network, prefer `ssh -L 8080:localhost:8080 HOST`.
    Example: searchctl dashboard quickstart
    """
    if (sweep is None) == (not every):
        raise click.UsageError("name a sweep, or give --all")
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
        entrance = f"?token={token}" if token and not given else ""
        address = f"http://{_shown(host)}:{server.server_port}"
        click.echo(f"dashboard at {address}{path}{entrance}")
        click.echo(f"report at    {address}{report}{entrance}")
        if given:  # the output may be a log that others read
            click.echo("it asks for the token that was given: add ?token=TOKEN")
        click.echo("Ctrl-C ends it")
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def _shown(host: str) -> str:
    """Return what a browser calls an address that is listened at."""
    if host in ("0.0.0.0", "::"):  # every address of this machine
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
