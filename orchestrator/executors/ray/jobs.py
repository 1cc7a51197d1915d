"""Drivers as jobs of a Ray cluster: submit, query, read and end them through its Jobs API."""

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import join
from typing import TypeVar

from ray.dashboard.modules.job.sdk import JobSubmissionClient, get_address_for_submission_client
from ray.exceptions import AuthenticationError

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.ray.own_code import code_folder

_Answer = TypeVar("_Answer")

_TRIES = 3
_ENDED = ("STOPPED", "SUCCEEDED", "FAILED")


@dataclass(frozen=True)
class DriverJobState:
    """The state of a submitted driver."""

    status: str
    """PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED."""
    exit_code: int | None

    @property
    def ended(self) -> bool:
        """Has its process ended?"""
        return self.status in _ENDED


class ClusterJobs:
    """The jobs of one cluster."""

    def __init__(self, address: str) -> None:
        """Connect to a cluster at an address of any form.

        Raises:
            SearchctlError: it does not answer, requires its token, or the package that submits
                jobs is not installed.
        """
        self.address = address
        self.address = self._call(lambda: _jobs_api(address))
        self._client = self._call(lambda: _client(self.address))

    def submit(
        self, job: str, command: Sequence[str], files: Mapping[str, bytes], env: Mapping[str, str]
    ) -> None:
        """Run `searchctl` as a job of the cluster, on its head, with the code of this process.

        Everyone with access to the cluster can see all of it: nothing may be secret.

        Args:
            job: its submission id, unique in the cluster.
            command: arguments of `searchctl`.
            files: contents of files that are sent with it, by their names in its current directory.
            env: variables of its environment, in addition to the cluster's own.

        Raises:
            SearchctlError: the cluster refuses it.
        """
        with code_folder() as folder:
            for name, content in files.items():
                Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
                Path(folder, name).write_bytes(content)
            self._call(
                lambda: self._client.submit_job(
                    entrypoint=join(["python", "-m", "searchctl", *command]),
                    submission_id=job,
                    runtime_env={"working_dir": str(folder), "env_vars": dict(env)},
                )
            )

    def state(self, job: str) -> DriverJobState | None:
        """Return the state of a job; None if the cluster has none of that id (any more)."""
        found = self._call(lambda: self._if_known(self._client.get_job_info, job))
        if found is None:
            return None
        return DriverJobState(found.status.value, found.driver_exit_code)

    def output(self, job: str) -> str | None:
        """Return the output of a job; None if the cluster has none of that id."""
        text: str | None = self._call(lambda: self._if_known(self._client.get_job_logs, job))
        return text

    def stop(self, job: str) -> None:
        """End a job's process."""
        self._call(lambda: self._client.stop_job(job))

    def _if_known(self, ask: Callable[[str], _Answer], job: str) -> _Answer | None:
        try:
            return ask(job)
        except RuntimeError as error:
            if "status code 404" in str(error):
                return None
            raise

    def _call(self, ask: Callable[[], _Answer]) -> _Answer:
        with _plain_errors(self.address):
            return ask()


@contextmanager
def _plain_errors(address: str) -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # Ray logs its steps, and its loggers set their own levels
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except AuthenticationError as error:
        raise SearchctlError(
            f"the Ray cluster at {address} requires its token: set $RAY_AUTH_MODE to token, and "
            "$RAY_AUTH_TOKEN_PATH to the file of this cluster's token"
        ) from error
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # OSError: also requests'
        words = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        fix = "pip install 'searchctl[cluster]'" if "ray[default]" in words else _FIX
        raise SearchctlError(
            f"the Ray cluster at {address} does not answer: {words}; {fix}"
        ) from error
    finally:
        logging.disable(before)


def _jobs_api(address: str) -> str:
    """Return the address of a cluster's Jobs API; a ray:// address is queried for it."""
    with _address_variables_hidden() if address != "auto" else nullcontext():
        for _ in range(_TRIES - 1):
            with suppress(ConnectionAbortedError):  # a busy head starts the client's server late
                return str(get_address_for_submission_client(address))
        return str(get_address_for_submission_client(address))


def _client(address: str) -> JobSubmissionClient:
    with _address_variables_hidden():
        return JobSubmissionClient(address)


@contextmanager
def _address_variables_hidden() -> Iterator[None]:
    """Hide the variables that Ray prefers to the given address."""
    hidden = {name: os.environ.pop(name, None) for name in _OF_RAY}
    try:
        yield
    finally:
        os.environ.update({name: value for name, value in hidden.items() if value is not None})


_OF_RAY = ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS")
_FIX = (
    "name its Jobs API, --address http://head:8265 (over ssh: `ssh -L 8265:localhost:8265 head`, "
    "then http://localhost:8265), and the file of its token by $RAY_AUTH_TOKEN_PATH"
)


def tail(output: str, lines: int = 40) -> str:
    """Return the last lines of a job's output."""
    return "\n".join(output.rstrip().splitlines()[-lines:])
