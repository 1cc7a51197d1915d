"""The Ray cluster that jobs run on: the connection to it, and the room that its nodes have."""

import json
import logging
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import Any

import ray
import ray._private.worker as ray_worker
from ray._private.services import canonicalize_bootstrap_address
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from searchctl.orchestrator.core.cluster_address import submission
from searchctl.orchestrator.core.errors import CannotStart
from searchctl.orchestrator.core.parallel import most_at_once
from searchctl.orchestrator.core.pending import Waiting
from searchctl.orchestrator.executors.ray.head import Head
from searchctl.orchestrator.executors.ray.local.loopback import loopback_only
from searchctl.orchestrator.executors.ray.local.sessions import mark_session, remove_ended_sessions
from searchctl.orchestrator.executors.ray.own_code import code_folder
from searchctl.orchestrator.executors.room import no_room, room_fix
from searchctl.trainer.core.machine.cpus import own_cpus

log = logging.getLogger("searchctl")

POLL_INTERVAL_S = 5.0
"""Seconds between two counts of the nodes."""
CONNECT_S = 10.0
"""Seconds that a cluster may take to answer."""
_LEAST_AHEAD = 4
"""Jobs that a cluster with an autoscaler gets beyond its room, or as many as run if these are more,
so that it doubles."""

_ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",  # the live table is searchctl's
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # results go to the database
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is the driver's
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",  # Tune's own restore is not used
    "TUNE_MAX_PENDING_TRIALS_PG": "1000",  # one by default; `Room` bounds them
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}


@contextmanager
def connected(address: str | None) -> Iterator[Head]:
    """Connect to a Ray cluster; yield its head. As `connecting`, but waits for it first."""
    with connecting(address) as wait:
        yield wait()


@contextmanager
def connecting(address: str | None) -> Iterator[Callable[[], Head]]:
    """Connect to a Ray cluster in a thread; a cluster that is started here is ended here too.

    Args:
        address: auto, or host:port, of a cluster with this machine as a node; None starts one.

    Yields:
        A function that waits until it is connected, and returns the cluster's head, which is
        watched from then on. It raises CannotStart if there is no such cluster, if the cluster
        requires its token, or if Ray does not start.
    """
    os.environ.update(_ENVIRONMENT)
    logging.getLogger("ray").setLevel(logging.ERROR)
    # In the main thread, Ray would install its own SIGTERM handler, which exits at once with
    # another code and stores nothing. In another thread it does not. Its processes end with the
    # thread that started them (PR_SET_PDEATHSIG), so the thread is kept until the end.
    with ThreadPoolExecutor(1, thread_name_prefix="ray") as thread, ExitStack() as watching:
        connection = thread.submit(_start if address is None else partial(_join, address))

        def wait() -> Head:
            connection.result()
            _restore_sigterm_handler()
            logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # lost workers are reported
            return watching.enter_context(Head(ray.get_runtime_context().gcs_address))

        try:
            yield wait
        finally:
            if connection.exception() is None:
                thread.submit(ray.shutdown).result()


def _start() -> None:
    with loopback_only():
        try:
            _init(address="local", include_dashboard=False, num_cpus=own_cpus())
        except Exception as error:  # of many kinds, plain ones too
            why = shorten(str(error) or repr(error), 200, placeholder=" ...")
            raise CannotStart(
                f"Ray does not start on this machine ({why}): try again when it is less busy; "
                f"Ray's own story is in {tempfile.gettempdir()}/ray/session_latest/logs"
            ) from error
    session = Path(ray_worker.global_worker.node.get_session_dir_path())
    mark_session(session)
    remove_ended_sessions(session.parent)


def _join(address: str) -> None:
    # the code of a submitted driver came with it, and Ray passes it on to the workers
    with nullcontext() if submission() else code_folder() as code:
        sent = {} if code is None else {"runtime_env": {"working_dir": str(code)}}
        try:
            found = _answering(address)
            # only of `auto` does Ray use the token of ~/.ray/auth_token without being told to
            _init(address=address if address == "auto" else found, **sent)
        except (OSError, RuntimeError, ValueError) as error:
            raise CannotStart(_unreachable(address, error)) from error


def _answering(address: str) -> str:
    """Return a cluster's host:port if it answers: Ray itself would try for many minutes.

    Raises:
        OSError: it does not answer.
    """
    try:
        found: str | None = canonicalize_bootstrap_address(address)
    except ConnectionError:  # its message names options of Ray's own commands
        found = None
    if found is None:
        raise ConnectionError("no Ray runs on this machine")
    host, _, port = found.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    return found


def _init(**options: Any) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": True}
    ray.init(**quiet, **options)


def _unreachable(address: str, error: BaseException) -> str:
    causes = [str(error), str(error.__cause__ or "")]
    if any("oken" in cause for cause in causes):
        why = (
            "it requires its token: set $RAY_AUTH_MODE to token, and $RAY_AUTH_TOKEN_PATH to the "
            "file of this cluster's token (~/.ray/auth_token, if its head was not given another)"
        )
    else:
        why = (
            f"{causes[0].strip().splitlines()[0].rstrip('. ')}; auto and host:port are for nodes "
            "of the cluster; from elsewhere, give ray://head:10001 or http://head:8265"
        )
    return f"cannot join the Ray cluster at {address}: {why}"


def _restore_sigterm_handler() -> None:
    """Restore the process's own SIGTERM handler in place of Ray's.

    Ray's native handler calls it too, but first sets an alarm that aborts the process three seconds
    later, even while it stores the last results or waits for the database.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        signal.alarm(0)  # a signal that arrived meanwhile has set it


def alive_nodes() -> list[dict[str, Any]]:
    """Return the nodes that the cluster has now, as Ray describes them."""
    return [node for node in ray.nodes() if node["Alive"]]


def on_node(node_id: str, function: Callable[..., Any], *arguments: object) -> Any:
    """Start a function on one node, beside its jobs; return the reference for `ray.get`."""
    there = NodeAffinitySchedulingStrategy(node_id, soft=False)
    task = ray.remote(num_cpus=0, max_retries=0)(function)
    return task.options(scheduling_strategy=there).remote(*arguments)


class Room:
    """Number of jobs that may be handed out at once, as the nodes of the cluster change.

    It is as many as fit on the nodes, by their total resources and not by the free ones: the jobs
    of other sweeps end too. A cluster with an autoscaler gets more jobs than fit, since waiting
    jobs make it grow.
    """

    def __init__(
        self,
        resources: Mapping[str, float],
        most: int | str | None,
        *,
        joined: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Give each job `resources`, and run at most `most`, a number or a share.

        `joined`: the cluster ran before.

        Raises:
            CannotStart: a cluster that was started here has no room for a single job.
        """
        self._resources = resources
        self._most = most
        self._joined = joined
        self._scales = False
        self._clock = clock
        self._look_at = 0.0
        self._jobs = 0
        self._said = False

    def __call__(self) -> int:
        """Return how many jobs may run or wait in the cluster now."""
        if self._clock() >= self._look_at:
            self._look_at = self._clock() + POLL_INTERVAL_S
            self._jobs = self._look()
        return self._jobs

    def _look(self) -> int:
        nodes = alive_nodes()
        room = jobs_that_fit(nodes, self._resources)
        if not room:
            self._say_full(nodes)
        if self._joined and not self._scales:  # an autoscaler starts after its cluster
            self._scales = scales()
        ahead = max(_LEAST_AHEAD, room) if self._scales else 0
        return most_at_once(self._most, room + ahead)

    def _say_full(self, nodes: list[dict[str, Any]]) -> None:
        have = [node["Resources"] for node in nodes]
        lacking, fix = no_room(self._resources, have), room_fix(self._resources, have)
        if not self._joined:
            raise CannotStart(f"{lacking}: {fix}")
        if not self._said:
            log.warning("%s: waiting for a node that does; else %s", lacking, fix)
        self._said = True


def wait_for(jobs: int, requested: Mapping[str, float]) -> Waiting:
    """Return what a number of jobs wait for in the cluster as it is now."""
    free, there = ray.available_resources(), ray.cluster_resources()
    return Waiting(
        jobs,
        requested,
        free=_amounts(free, requested),
        there=_amounts(there, requested),
        nodes=sum(jobs_that_fit([node], requested) > 0 for node in alive_nodes()),
    )


def jobs_that_fit(nodes: list[dict[str, Any]], resources: Mapping[str, float]) -> int:
    """Return how many jobs the nodes have room for, each on one node.

    >>> nodes = [{"Resources": {"CPU": 4.0, "GPU": 1.0}}, {"Resources": {"CPU": 3.0}}]
    >>> jobs_that_fit([{"Resources": {"GPU": 2.0}}], {"GPU": 0.4})  # not 5: none spans two
    4
    >>> [jobs_that_fit(nodes, each) for each in ({"CPU": 2}, {"CPU": 1, "GPU": 0.5}, {"CPU": 5})]
    [3, 2, 0]
    """
    return sum(
        min(
            _times(node["Resources"].get(name, 0), requested, name)
            for name, requested in resources.items()
        )
        for node in nodes
    )


def _times(have: float, requested: float, name: str) -> int:
    """Return how often the amount fits; a share of a GPU cannot span two GPUs."""
    if name == "GPU" and requested < 1:
        return int(have) * int(1 / requested + 1e-9)
    return int(have / requested + 1e-9)


def scales() -> bool:
    """Does the cluster have an autoscaler? Without one, Ray names node types after nodes."""
    from ray.autoscaler.v2.sdk import get_cluster_status
    from ray.experimental.internal_kv import _internal_kv_get

    status = get_cluster_status(ray.get_runtime_context().gcs_address)
    types = {node.ray_node_type_name for node in (*status.active_nodes, *status.idle_nodes)}
    if reported := _internal_kv_get("__autoscaling_status"):  # of the older autoscaler
        report = json.loads(reported).get("autoscaler_report") or {}
        types |= set(report.get("active_nodes") or ())
    return any(name and not name.startswith("node_") for name in types)


def _amounts(have: Mapping[str, float], requested: Mapping[str, float]) -> dict[str, float]:
    return {name: have.get(name, 0) for name in requested}
