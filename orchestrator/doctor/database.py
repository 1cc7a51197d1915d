"""Checks the database: reachable, its schema, its speed, and its clock."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from sqlalchemy import Engine, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.doctor.finding import About, Finding, error, ok, warning
from searchctl.orchestrator.storage.connect import connect, database_now, shown
from searchctl.orchestrator.storage.database import open_database, schema_version

NETWORKED = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ceph", "lustre", "gpfs", "beegfs"),
    *("glusterfs", "fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.juicefs"),
}
"""Network file systems."""
_MOUNTS = Path("/proc/self/mounts")


def file_system(path: Path, mounts: Path = _MOUNTS) -> str:
    """Return the type of the file system of a path, which need not exist; empty if unknown."""
    if not mounts.exists():
        return ""
    kinds = {}
    for line in mounts.read_text().splitlines():
        _, place, kind, *_ = line.split(" ")
        kinds[place.replace("\\040", " ")] = kind
    real = path.absolute().resolve()
    above = [str(each) for each in (real, *real.parents) if str(each) in kinds]
    return kinds[above[0]] if above else ""


_USE = "use PostgreSQL: --db postgresql+psycopg://user@host/name"
SLOW_S = 0.05
"""Seconds from which a transaction is slow; a driver runs several for each epoch of a job."""
SKEW_S = 5.0
"""Maximum difference between two clocks in seconds."""
_REFUSED = ("password authentication failed", "no password supplied", 'role "')
"""Parts of PostgreSQL's messages about a refused login."""


def check_database(about: About) -> Iterator[Finding]:
    """Check that sweeps can be stored in the database."""
    if about.url is None:
        return
    engine = connect(about.url)
    if engine.dialect.name == "sqlite":
        path = _path(about.url)
        yield from _file(path, elsewhere=about.address is not None)
        if path is None or not path.exists():
            return
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as failure:
        words = str(getattr(failure, "orig", failure)).strip().splitlines()[0]
        yield error("database", f"{shown(about.url)} does not answer: {words}", _fix(failure))
    else:
        yield from _schema(about.url, engine)
        yield _latency(engine)
        yield _clock(engine)
    finally:
        engine.dispose()


def _fix(failure: SQLAlchemyError) -> str:
    """Return the fix for a refused login, a missing database, or an unreachable server."""
    words = str(getattr(failure, "orig", failure))
    if any(each in words for each in _REFUSED):
        return "check the user and password in $SEARCHCTL_DB_URL (or its file), --db or storage.url"
    if "database" in words and "does not exist" in words:
        return "create it (CREATE DATABASE), or name another one (--db, $SEARCHCTL_DB_URL)"
    return "start it, or name another one (--db, $SEARCHCTL_DB_URL)"


def _file(path: Path | None, *, elsewhere: bool) -> Iterator[Finding]:
    """Check an SQLite file, which must be on a local disk of one machine."""
    if path is None:
        yield error("database", "it is in memory, and lost with each process", _USE)
        return
    if elsewhere:
        yield warning("database", f"only this machine can use the file {path}, no cluster", _USE)
    if (kind := file_system(path)) in NETWORKED:
        found = f"{path} is on a network file system ({kind}), where SQLite's locks are unreliable"
        yield warning("database", found, f"put it on a local disk, or {_USE}")
    if not path.parent.is_dir():
        yield error("database", f"{path.parent} does not exist", f"mkdir -p {path.parent}")
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        yield error("database", f"{path} cannot be written", f"chown or chmod it, or {_USE}")
    elif not path.exists():
        yield ok("database", f"none yet: the first launch creates {path}")


def refused_at_launch(about: About, nodes: int) -> Iterator[Finding]:
    """Report SQLite with a cluster of several nodes or a submitted driver, as `launch` does."""
    if about.sweep and (about.url or "").startswith("sqlite"):
        if about.driven_elsewhere:
            found = "the driver runs on the cluster, and SQLite is a file of this machine"
            yield error("database", found, _USE)
        elif nodes > 1:
            found = f"the cluster has {nodes} nodes, and SQLite is a file of one machine"
            yield error("database", found, _USE)


def _schema(url: str, engine: Engine) -> Iterator[Finding]:
    version = ".".join(map(str, engine.dialect.server_version_info or ()))
    what = f"{shown(url)}: {engine.dialect.name} {version}".rstrip()
    current = schema_version(engine)
    if current is None:
        yield ok("database", f"{what}, no tables yet: the first launch creates them")
        return
    try:
        open_database(url).dispose()
    except SearchctlError as failure:
        found, _, fix = str(failure).partition(": ")
        yield error("schema", found, fix)
    else:
        yield ok("database", f"{what}, schema {current}")


def _latency(engine: Engine) -> Finding:
    took = []
    for _ in range(5):
        began = time.perf_counter()
        with engine.begin() as connection:
            connection.execute(text("SELECT 1"))
        took.append(time.perf_counter() - began)
    found = f"{1000 * median(took):.1f} ms per transaction"
    if median(took) <= SLOW_S:
        return ok("database speed", found)
    fix = "run the driver in the same network as the database"
    return warning("database speed", f"{found}: this slows the sweep down", fix)


def _clock(engine: Engine) -> Finding:
    with engine.connect() as connection:
        before = time.time()
        theirs = float(connection.execute(select(database_now())).scalar_one())
        skew = theirs - (before + time.time()) / 2
    return clock_finding("database clock", skew, "the database's")


def clock_finding(what: str, skew: float, whose: str) -> Finding:
    """Return the finding on another clock that is `skew` seconds ahead of this machine's."""
    if abs(skew) <= SKEW_S:
        return ok(what, f"{skew:+.1f} s against this machine's")
    found = f"{whose} clock is {skew:+.0f} s off this machine's: shown times are misleading"
    return warning(what, found, "synchronize both with NTP (chrony, systemd-timesyncd)")


def _path(url: str) -> Path | None:
    name = make_url(url).database
    return Path(name).absolute() if name and name != ":memory:" else None
