"""A real Slurm of a controller and two nodes, each in namespaces of its own, on this machine."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.processes.polling import until

SCRIPT = Path(__file__).parents[4] / "shared" / "slurm" / "two_node_cluster.sh"
_NAMESPACES = ("--net", "--mount", "--uts", "--pid")
_ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"}


def missing() -> str | None:
    """Return why no such cluster can be started here; None if it can."""
    if not SCRIPT.is_file():
        return f"the script that starts a Slurm is not at {SCRIPT}"
    if absent := [name for name in ("slurmctld", "slurmd", "munged") if shutil.which(name) is None]:
        return f"{', '.join(absent)}: not installed (Debian: apt-get install slurm-wlm munge)"
    if os.geteuid() != 0:
        return "a Slurm in namespaces needs root"
    allowed = subprocess.run(["unshare", *_NAMESPACES, "--fork", "true"], capture_output=True)
    return None if allowed.returncode == 0 else f"no namespaces here: {allowed.stderr.decode()}"


class SlurmCluster:
    """A running Slurm; all its processes end with it."""

    def __init__(self) -> None:
        """Make its folder, which all of its nodes see."""
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        self.folder.chmod(0o755)  # munged refuses a socket that not everyone reaches
        home = self.folder / "home"
        home.mkdir()
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        dropped = ("RAY_", "SLURM_", "SEARCHCTL_")
        kept = {name: v for name, v in os.environ.items() if not name.startswith(dropped)}
        self._env = {**kept, "PATH": path, "HOME": str(home), "COLUMNS": "200"}
        self._env["SLURM_CONF"] = str(self.folder / "slurm.conf")

    def __enter__(self) -> Self:
        """Start it, and wait until its nodes are idle."""
        namespaces = [*_NAMESPACES, "--fork", "--kill-child", "--mount-proc"]
        ready = ["bash", "-c", f"touch {self.folder}/ready; sleep infinity"]
        with (self.folder / "cluster.txt").open("w") as printed:
            self._process = subprocess.Popen(
                ["unshare", *namespaces, "bash", SCRIPT, self.folder, *ready],
                env=self._env,
                start_new_session=True,
                stdout=printed,
                stderr=printed,
            )
        try:
            until((self.folder / "ready").exists, patience_s=60)
        except AssertionError:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._remove()

    def _remove(self) -> None:
        self._process.kill()
        self._process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command: str, **env: str) -> str:
        """Run a command on the controller; return its output."""
        pid = self._process.pid
        init = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
        done = subprocess.run(
            ["nsenter", "--target", init, *_NAMESPACES, f"--wdns={self.folder}", *command],
            env={**self._env, **env},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def submit(self, *arguments: str, **env: str) -> str:
        """Submit a batch script; return the job's id. It prints to ID.txt in the folder."""
        return self.run(
            "sbatch", "--parsable", "--cpus-per-task=1", "--output=%j.txt", *arguments, **env
        ).strip()

    def state(self, job: str) -> str:
        """Return the state of a job, e.g. RUNNING."""
        return self._field(job, "JobState")

    def restarts(self, job: str) -> int:
        """Return how often a job was requeued."""
        return int(self._field(job, "Restarts"))

    def wait(self, job: str) -> int:
        """Wait until a job has ended; return its exit code."""
        until(lambda: self.state(job) in _ENDED, patience_s=240)
        return int(self._field(job, "ExitCode").partition(":")[0])

    def _field(self, job: str, name: str) -> str:
        shown = self.run("scontrol", "show", "job", job, "--oneliner")
        fields = dict(each.split("=", 1) for each in shown.split() if "=" in each)
        return fields[name]
