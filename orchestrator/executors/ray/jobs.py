"""Drivers as jobs of a Ray cluster: submitted, asked after, read and ended through its Jobs API."""

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
class JobState:
    """How a submitted driver stands."""

    status: str
    """PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED."""
    exit_code: int | None

    @property
    def ended(self) -> bool:
        """Is there no such process any more?"""
        return self.status in _ENDED


class ClusterJobs:
    """The jobs of one cluster."""

    def __init__(self, address: str) -> None:
        """Reach a cluster at any of the forms of its address.

        Raises:
            SearchctlError: it does not answer there, lets nobody in without its token, or what
                submits jobs is not installed.
        """
        self.address = address
        self.address = self._asked(lambda: _jobs_api(address))
        self._client = self._asked(lambda: _client(self.address))

    def submit(
        self, job: str, command: Sequence[str], files: Mapping[str, str], env: Mapping[str, str]
    ) -> None:
        """Run our command as a job of the cluster, on its head, with this very code.

        All of it can be seen by everyone who may look at the cluster: nothing may be secret.

        Args:
            job: its submission id, which no other job of the cluster may have.
            command: arguments of `searchctl`.
            files: texts that travel with it, by their names in its current directory.
            env: variables of its environment, beside the cluster's own.

        Raises:
            SearchctlError: the cluster refuses it.
        """
        with code_folder() as folder:
            for name, text in files.items():
                Path(folder, name).write_text(text)
            self._asked(
                lambda: self._client.submit_job(
                    entrypoint=join(["python", "-m", "searchctl", *command]),
                    submission_id=job,
                    runtime_env={"working_dir": str(folder), "env_vars": dict(env)},
                )
            )

    def state(self, job: str) -> JobState | None:
        """Return how a job stands; None if the cluster knows none of that id (any more)."""
        found = self._asked(lambda: self._if_known(self._client.get_job_info, job))
        if found is None:
            return None
        return JobState(found.status.value, found.driver_exit_code)

    def output(self, job: str) -> str | None:
        """Return all that a job has printed; None if the cluster knows none of that id."""
        text: str | None = self._asked(lambda: self._if_known(self._client.get_job_logs, job))
        return text

    def stop(self, job: str) -> None:
        """End a job's process."""
        self._asked(lambda: self._client.stop_job(job))

    def _if_known(self, ask: Callable[[str], _Answer], job: str) -> _Answer | None:
        try:
            return ask(job)
        except RuntimeError as error:
            if "status code 404" in str(error):
                return None
            raise

    def _asked(self, ask: Callable[[], _Answer]) -> _Answer:
        with _said_plainly(self.address):
            return ask()


@contextmanager
def _said_plainly(address: str) -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # Ray tells of its steps; its loggers set their own levels
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except AuthenticationError as error:
        raise SearchctlError(
            f"the Ray cluster at {address} asks for its token: set $RAY_AUTH_MODE to token, and "
            "$RAY_AUTH_TOKEN_PATH to the file of this cluster's token"
        ) from error
    except (OSError, RuntimeError, ValueError) as error:  # OSError: requests' and ConnectionError
        words = str(error).strip().splitlines()[0].rstrip(".")
        fix = "pip install 'searchctl[cluster]'" if "ray[default]" in words else _MEND
        raise SearchctlError(
            f"the Ray cluster at {address} does not answer: {words}; {fix}"
        ) from error
    finally:
        logging.disable(before)


def _jobs_api(address: str) -> str:
    """Return the address of a cluster's Jobs API; a ray:// address is asked for it."""
    with _nothing_else_counts() if address != "auto" else nullcontext():
        for _ in range(_TRIES - 1):
            with suppress(ConnectionAbortedError):  # a busy head is slow to start a client's server
                return str(get_address_for_submission_client(address))
        return str(get_address_for_submission_client(address))


def _client(address: str) -> JobSubmissionClient:
    with _nothing_else_counts():
        return JobSubmissionClient(address)


@contextmanager
def _nothing_else_counts() -> Iterator[None]:
    """Hide the variables that Ray would take in place of the address that was given."""
    hidden = {name: os.environ.pop(name, None) for name in _OF_RAY}
    try:
        yield
    finally:
        os.environ.update({name: value for name, value in hidden.items() if value is not None})


_OF_RAY = ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS")
_MEND = (
    "name its Jobs API, --address http://head:8265 (over ssh: `ssh -L 8265:localhost:8265 head`, "
    "then http://localhost:8265), and the file of its token by $RAY_AUTH_TOKEN_PATH"
)


def tail(output: str, lines: int = 40) -> str:
    """Return the last lines of what a job has printed."""
    return "\n".join(output.rstrip().splitlines()[-lines:])
