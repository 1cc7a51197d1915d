"""A real PostgreSQL server for tests: started, stopped and killed at will, on the loopback only.

Its directory is a temporary one, its user an ordinary one: root starts it as another user, since
PostgreSQL refuses to run as root.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import psycopg

_PATIENCE_S = 60.0
_USER = "searchctl"
_TRUST = ["--auth=trust"]
_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


def binaries() -> Path | None:
    """Return the directory of initdb and postgres, of the newest version that is installed."""
    folders = [
        Path(shutil.which("initdb") or "/").parent,
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True),
    ]
    return next((each for each in folders if (each / "postgres").is_file()), None)


class PostgresServer:
    """One server, with the same port and data over all its starts."""

    def __init__(
        self, settings: Mapping[str, str] | None = None, password: str | None = None
    ) -> None:
        """Make a data directory; `settings` are those of postgresql.conf.

        Without a password, every user of this machine may connect.

        Raises:
            FileNotFoundError: PostgreSQL's server is not installed.
        """
        found = binaries()
        if found is None:
            raise FileNotFoundError("PostgreSQL's server is not installed")
        self._bin = found
        self._as = _ordinary_user()
        self._password = password
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        if self._as:
            os.chown(self.folder, self._as["user"], self._as["group"])
        self.port = _free_port()
        self._settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",  # a killed process loses nothing by it; only a power cut would
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._make_data()

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove it."""
        self.remove()

    def start(self) -> None:
        """Start it, and wait until it answers; repeats until what was killed before has gone."""
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answers():
            if time.monotonic() > deadline:
                raise TimeoutError(f"PostgreSQL does not start:\n{self._log.read_text()[-2000:]}")
            self.launch()
            time.sleep(0.05)

    def launch(self) -> None:
        """Start it if it does not run, and do not wait until it answers."""
        if self._process is None or self._process.poll() is not None:
            self._process = self._postmaster()

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop it; 'immediate' as a crash does, without a checkpoint."""
        self._end(_SIGNALS[mode])

    def kill(self) -> None:
        """Kill it with all its sessions, as the loss of the machine does."""
        for pid in self._children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """Stop it and remove its data."""
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        """Return SQLAlchemy's URL for a database."""
        return f"postgresql+psycopg://{_USER}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Create an empty database; return its URL."""
        name = f"test_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement outside a transaction; return its rows."""
        with self._session() as session:
            cursor = session.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @property
    def _log(self) -> Path:
        return self.folder / "log.txt"

    def _make_data(self) -> None:
        options = [f"--username={_USER}", "--encoding=UTF8", "--locale=C", "--no-sync"]
        given = self.folder / "password"
        given.write_text(self._password or "")
        given.chmod(0o644)  # the server's user reads it, whatever the umask is
        options += ["--auth=scram-sha-256", f"--pwfile={given}"] if self._password else _TRUST
        command = [self._bin / "initdb", *options, self.folder / "data"]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self._as)
        given.unlink()

    def _postmaster(self) -> subprocess.Popen[bytes]:
        switches = [f"--{name}={value}" for name, value in self._settings.items()]
        command = [self._bin / "postgres", "-D", self.folder / "data", *switches]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests
                **self._as,
            )

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait(_PATIENCE_S)
        self._process = None

    def _children(self) -> list[int]:
        if self._process is None:
            return []
        pid = self._process.pid
        os.kill(pid, signal.SIGSTOP)  # else it would start more
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]

    def _answers(self) -> bool:
        try:
            self._session().close()
        except psycopg.OperationalError:
            return False
        return True

    def _session(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=_USER,
            password=self._password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        )


def _version(folder: Path) -> float:
    return float(folder.parent.name)


def _ordinary_user() -> dict[str, Any]:
    """Return what makes a subprocess run as an ordinary user; nothing if we are one."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
