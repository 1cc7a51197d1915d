"""A real Ray cluster for tests: each node is `ray start`, killed and added at will, on loopback.

Every node has an address of its own (127.0.0.2, 127.0.0.3, ...), so that Ray takes them for
different machines, and a token of this cluster's own keeps others out: Ray listens on more
addresses than requested. A variable in the environment marks the processes of the cluster:
`ray stop` goes by names, and would end every Ray of the machine.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_PATIENCE_S = 120.0
_BIN = Path(sys.executable).parent
_MARK = "SEARCHCTL_TEST_CLUSTER"
_STORE = ("--object-store-memory", "80000000")  # the least that Ray takes; jobs put nothing there


class RayNode:
    """One `ray start --block`: its processes, and what it prints."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], log: Path):
        """Start it, and do not wait until it runs."""
        self.name = name
        self.log = log
        self._command = command
        self._env = dict(env)
        self._process = self._start()

    def wait_until_started(self) -> Self:
        """Wait until Ray reports that it runs; a busy machine may need a second start."""
        deadline = time.monotonic() + _PATIENCE_S
        while b"Ray runtime started" not in self.log.read_bytes():
            if time.monotonic() > deadline:
                raise RuntimeError(f"node {self.name} does not start:\n{self.log.read_text()}")
            if self._process.poll() is not None:
                self.kill()
                self._process = self._start()
            time.sleep(0.05)
        return self

    def kill(self) -> None:
        """Kill all of its processes at once, as the loss of the machine does."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_PATIENCE_S)

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                self._command,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )


class RayCluster:
    """A head, which takes jobs, and workers; gone with all their processes at the exit."""

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        """Choose its ports and its token; `env` is added to the environment of every node."""
        self.folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short: sockets are below it
        self.token_file = self.folder / "token"
        self.token_file.touch(mode=0o600)
        self.token_file.write_text(secrets.token_hex(16))
        self.nodes: dict[str, RayNode] = {}
        port, self._jobs_port, client = free_ports(3)
        self.address = f"127.0.0.2:{port}"
        self.client_address = f"ray://127.0.0.2:{client}"
        self.jobs_address = f"http://127.0.0.1:{self._jobs_port}"
        self.access = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.token_file)}
        """Environment of those who may enter."""
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RAY_")},
            "PATH": os.pathsep.join([str(_BIN), os.environ["PATH"]]),  # drivers of jobs: `python`
            "RAY_USAGE_STATS_ENABLED": "0",
            _MARK: self.folder.name,
            **self.access,
            **(env or {}),
        }

    def __enter__(self) -> Self:
        """Return it; nothing is started yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self.remove()

    def start_head(
        self, *options: str, cpus: int = 1, env: Mapping[str, str] | None = None
    ) -> RayNode:
        """Start the head, and wait until it takes jobs."""
        client = self.client_address.rpartition(":")[2]
        head = self._start(
            "head",
            ["--head", "--port", self.address.rpartition(":")[2], "--node-ip-address", "127.0.0.2"],
            ["--dashboard-host", "127.0.0.1", "--dashboard-port", str(self._jobs_port)],
            ["--ray-client-server-port", client],
            [*_STORE, "--num-cpus", str(cpus), *options],
            env=env or {},
        ).wait_until_started()
        self._wait_for_jobs_api()
        return head

    def start(self, *workers: str) -> None:
        """Start a head without room for jobs, and workers, and wait until all of them run."""
        self.start_head(cpus=0)
        for name in workers:
            self.add_worker(name).wait_until_started()

    def add_worker(
        self, name: str, *options: str, cpus: int = 1, env: Mapping[str, str] | None = None
    ) -> RayNode:
        """Start a worker node, and do not wait until it runs."""
        place = ["--address", self.address, "--node-ip-address", f"127.0.0.{len(self.nodes) + 2}"]
        return self._start(name, place, [*_STORE, "--num-cpus", str(cpus), *options], env=env or {})

    def remove(self) -> None:
        """Kill all that runs, and remove its files."""
        for node in self.nodes.values():
            node.kill()
        while left := list(self._processes()):  # drivers of jobs have sessions of their own
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, name: str, *options: Sequence[str], env: Mapping[str, str]) -> RayNode:
        (agent,) = free_ports(1)  # Ray's own default is the same for every cluster of a machine
        command = [
            *(str(_BIN / "ray"), "start", "--block", "--node-name", name),
            *("--dashboard-agent-listen-port", str(agent)),
            *("--min-worker-port", "0", "--max-worker-port", "0"),
            # of its own: a node that sets up a job's code would remove that of its neighbour
            *("--temp-dir", str(self.folder / name)),
            *(option for part in options for option in part),
        ]
        log = self.folder / f"{name}.txt"
        self.nodes[name] = RayNode(name, command, {**self.env, **env}, log)
        return self.nodes[name]

    def _wait_for_jobs_api(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        token = {"Authorization": f"Bearer {self.token_file.read_text()}"}
        question = urllib.request.Request(f"{self.jobs_address}/api/jobs/", headers=token)
        while True:
            try:
                urllib.request.urlopen(question, timeout=10).close()
                return
            except (urllib.error.URLError, OSError) as error:
                if time.monotonic() > deadline:
                    raise TimeoutError("Ray takes no jobs") from error
                time.sleep(0.1)

    def _processes(self) -> Iterator[int]:
        """Yield the processes that belong to it, by what their environment says."""
        mark = f"{_MARK}={self.folder.name}".encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with suppress(OSError):
                    if mark in (entry / "environ").read_bytes().split(b"\0"):
                        yield int(entry.name)


def free_ports(count: int) -> list[int]:
    """Return so many different free ports."""
    listeners = [socket.socket() for _ in range(count)]
    for listener in listeners:
        listener.bind(("127.0.0.1", 0))
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
