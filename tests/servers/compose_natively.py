"""Runs the services of docker-compose.yml without Docker: as processes of this machine.

Commands, environments, secrets, health checks and the order of starting are the file's own. What a
container has to itself is mapped in `Natively._mapped`, and nowhere else: names of hosts, ports,
paths. PostgreSQL's image has no command in the file; the server is made as that image makes it.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.servers.postgres_server import PostgresServer, binaries
from tests.servers.ray_cluster import free_ports

FILE = Path(__file__).parents[2] / "docker-compose.yml"
BIN = Path(sys.executable).parent
_PATIENCE_S = 120.0
_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def compose_file(env: Mapping[str, str]) -> dict[str, Any]:
    """Read docker-compose.yml with the variables of a .env filled in, as Compose does it."""
    text = _VARIABLE.sub(lambda found: env.get(found[1]) or found[2], FILE.read_text())
    read: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return read


def env_file(path: Path) -> dict[str, str]:
    """Read a .env."""
    lines = (line for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


@dataclass
class Container:
    """One process in the place of a container."""

    name: str
    service: dict[str, Any]
    place: str
    """Its address, as that of a container in its network."""
    ports: dict[str, int]
    """Port of this machine by the port in the container, where others must find it."""
    process: subprocess.Popen[bytes] | PostgresServer = field(init=False, repr=False)

    run: Callable[[], subprocess.Popen[bytes]] = field(init=False, repr=False)
    """Starts it again, as Docker does."""

    @property
    def ended(self) -> int | None:
        """Its exit code; None while it runs."""
        return None if isinstance(self.process, PostgresServer) else self.process.poll()

    def kill(self) -> None:
        """Kill all of its processes at once, as the loss of the machine does."""
        if isinstance(self.process, PostgresServer):
            self.process.remove()
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(_PATIENCE_S)


@dataclass
class Natively:
    """The stack; `remove` ends all of it."""

    folder: Path
    env: dict[str, str]
    """Variables of .env."""
    workers: int = 2
    containers: dict[str, Container] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.file = compose_file(self.env)
        self._database, gcs, jobs, self.dashboard = free_ports(4)
        self._shared = {"5432": self._database, "6379": gcs, "8265": jobs}
        self.at_head, self.jobs = f"127.0.0.2:{gcs}", f"127.0.0.1:{jobs}"

    def up(self) -> None:
        """Start everything in the order of depends_on, and wait until all of it is healthy."""
        for name in self._ordered():
            for number in range(self.workers if name == "worker" else 1):
                self._start(name, f"{name}-{number + 1}")
        for container in self.containers.values():
            self._wait(container)

    def remove(self) -> None:
        """End all processes."""
        for container in reversed(self.containers.values()):
            container.kill()

    def exec(self, service: str, command: list[str]) -> subprocess.Popen[bytes]:
        """Begin what `docker compose exec SERVICE COMMAND` does; its output is in output.txt."""
        container = self.containers[f"{service}-1"]
        with (self.folder / "output.txt").open("wb") as output:
            return subprocess.Popen(
                self._command(command, container),
                env=self._environment(container),
                cwd=self.folder / "searchctl",
                stdout=output,
                stderr=output,
            )

    def pids(self) -> list[int]:
        """Return the first process of every container that runs, but for PostgreSQL's."""
        processes = [container.process for container in self.containers.values()]
        return [each.pid for each in processes if isinstance(each, subprocess.Popen)]

    def _ordered(self) -> Iterator[str]:
        """Yield the services, each after those that it waits for, but for those of a profile."""
        services = self.file["services"]
        waits = {name: set(_awaited(service)) for name, service in services.items()}
        order = TopologicalSorter(waits).static_order()
        return (name for name in order if "profiles" not in services[name])

    def _start(self, service: str, name: str) -> None:
        described = self.file["services"][service]
        for other, condition in _awaited(described).items():
            awaited = self.containers[f"{other}-1"]
            self._wait(awaited, to_the_end=condition == "service_completed_successfully")
        (agent,) = free_ports(1)
        ports = {**self._shared, "52365": agent, "8080": self.dashboard}
        node = ["head-1", *(f"worker-{number + 1}" for number in range(self.workers))]
        place = f"127.0.0.{node.index(name) + 2}" if name in node else "127.0.0.1"
        container = Container(name, described, place, ports)
        self._write_secrets(container)
        if service == "postgres":
            container.process = self._postgres(container)
            self.containers[name] = container
            return
        command = self._command(described["command"], container)
        command += self._of_one_machine(container)
        container.run = partial(self._run, container, command)
        container.process = container.run()
        self.containers[name] = container

    def _run(self, container: Container, command: list[str]) -> subprocess.Popen[bytes]:
        with self._log(container).open("ab") as log:
            return subprocess.Popen(
                command,
                env=self._environment(container),
                cwd=self.folder / "searchctl",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _postgres(self, container: Container) -> PostgresServer:
        """Make the server as its image's entry does: user, password, database."""
        given = container.service["environment"]
        assert given["POSTGRES_USER"] == "searchctl"  # tests.servers.postgres_server's own
        password = Path(self._mapped(given["POSTGRES_PASSWORD_FILE"], container)).read_text()
        server = PostgresServer({"port": str(self._database)}, password=password)
        server.port = self._database
        server.start()
        server.execute(f"CREATE DATABASE {given['POSTGRES_DB']}")
        return server

    def _write_secrets(self, container: Container) -> None:
        """Put its secrets where it looks for them: a container sees its own only."""
        folder = self.folder / "secrets" / container.name
        folder.mkdir(parents=True)
        for secret in container.service.get("secrets", []):
            value = self.env[self.file["secrets"][secret["source"]]["environment"]]
            (folder / secret["source"]).write_text(self._mapped(value, container))
            (folder / secret["source"]).chmod(0o400)

    def _environment(self, container: Container) -> dict[str, str]:
        """Return the container's environment, and of this machine's only what is needed."""
        given = container.service.get("environment", {})
        mapped = {name: self._mapped(value, container) for name, value in given.items()}
        (self.folder / "home").mkdir(exist_ok=True)
        machine = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        return {**machine, "HOME": str(self.folder / "home"), "OMP_NUM_THREADS": "1", **mapped}

    def _command(self, command: list[str], container: Container) -> list[str]:
        name, *arguments = (self._mapped(word, container) for word in command)
        postgres = ((binaries() or Path()) / "postgres").resolve().parent
        places = {"python": sys.executable, "pg_isready": f"{postgres}/pg_isready"}
        return [places.get(name, f"{BIN}/{name}"), *arguments]

    def _mapped(self, text: str, container: Container) -> str:
        """Return a text of the file as it is on this machine: hosts, ports and paths."""
        text = text.replace("postgres:5432", "127.0.0.1:5432").replace("head:", "127.0.0.2:")
        text = text.replace("0.0.0.0", "127.0.0.1")
        text = text.replace("/run/secrets", str(self.folder / "secrets" / container.name))
        text = re.sub(r"(?<![\w/.])/searchctl\b", str(self.folder / "searchctl"), text)
        ports = "|".join(container.ports)
        return re.sub(rf"(?<=[:=])({ports})\b", lambda found: str(container.ports[found[1]]), text)

    def _of_one_machine(self, container: Container) -> list[str]:
        """Return what Ray's nodes need besides if they share a machine, which containers do not."""
        if container.service["command"][:2] != ["ray", "start"]:
            return []
        options = [f"--node-ip-address={container.place}", "--min-worker-port=0"]
        options += ["--max-worker-port=0", f"--node-name={container.name}"]
        if container.name == "head-1":
            (client,) = free_ports(1)
            options += [f"--ray-client-server-port={client}", f"--temp-dir={self.folder / 'r'}"]
        return options

    def _wait(self, container: Container, *, to_the_end: bool = False) -> None:
        """Wait until a container is healthy by its own check, or has ended well."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            ended = container.ended
            if "healthcheck" not in container.service or to_the_end:
                if ended is not None:
                    break
            elif self.is_healthy(container.name):
                return
            elif ended is not None and container.service.get("restart") == "unless-stopped":
                container.kill()
                container.process = container.run()
            time.sleep(0.2)
        if ended != 0:
            log = self._log(container).read_text()
            raise RuntimeError(f"{container.name} does not come up:\n{log}")

    def _log(self, container: Container) -> Path:
        return self.folder / f"{container.name}.txt"

    def is_healthy(self, name: str) -> bool:
        """Run a container's own health check."""
        container = self.containers[name]
        kind, *check = container.service["healthcheck"]["test"]
        assert kind == "CMD"
        env = self._environment(container)
        done = subprocess.run(self._command(check, container), env=env, capture_output=True)
        return done.returncode == 0


def _awaited(service: Mapping[str, Any]) -> dict[str, str]:
    """Return what a service waits for: a condition by the other service."""
    found: Mapping[str, Any] = service.get("depends_on", {})
    return {other: how["condition"] for other, how in found.items()}
