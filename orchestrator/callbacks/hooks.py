"""Runs the commands under `hooks:` of a sweep.yaml, with JSON on standard input.

A hook cannot harm the sweep. It runs in its own thread and process and is killed after a timeout,
and its outcome is logged and stored as an event. A hook runs at most once: if the driver dies,
hooks that have not run yet are lost.
"""

import json
import logging
import os
import queue
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from searchctl.orchestrator.callbacks.base import Callback
from searchctl.orchestrator.callbacks.completed import Completed
from searchctl.orchestrator.config.sections.hooks import HookName, HookSettings
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import LeaseLost, SearchctlError
from searchctl.orchestrator.halving.rule import Decision
from searchctl.searchspace import Params

log = logging.getLogger("searchctl")

_BEST = 5
"""Trials that the hook on a sweep's end is given."""
QUIET_WAIT_S = 1.0
"""Seconds that an ended sweep waits for its hooks before it prints a message."""


class Hooks(Callback):
    """Runs a sweep's hooks one after the other, in the background of a `with` block."""

    def __init__(
        self,
        sweep: Sweep,
        settings: HookSettings,
        trials: Mapping[int, Params],
        note: Callable[..., None],
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Create the hooks of a sweep.

        Args:
            sweep: the sweep.
            settings: its commands.
            trials: params of its trials by number; trials may be added to it later.
            note: stores an event.
            say: prints a line for the user.
        """
        self._sweep = sweep
        self._trials = trials
        self._settings = settings
        self._note = note
        self._say = say
        self._due: queue.SimpleQueue[tuple[HookName, str] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run_all, name="hooks", daemon=True)

    def __enter__(self) -> Self:
        """Start the thread that runs hooks."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Run the hook on an error that ended the sweep, and wait for all hooks."""
        if isinstance(error, Exception) and not isinstance(error, LeaseLost):
            # the message of a foreign error may contain anything, even a password
            ours = isinstance(error, SearchctlError)
            self._fire("sweep_failed", {"error": str(error) if ours else type(error).__name__})
        self._due.put(None)
        self._thread.join(QUIET_WAIT_S)
        if self._thread.is_alive():
            self._say(f"waiting for the sweep's hooks, {self._settings.timeout:g} s each at most")
            self._thread.join()

    def rung_closed(self, decisions: Sequence[Decision]) -> None:
        """Run the hook on the end of a rung."""
        self._fire("rung_closed", self._rung_facts(decisions))

    def completed(self, end: Completed) -> None:
        """Run the hook on the end of a sweep with a winner."""
        names = ("rank", "trial", "rung", "score", "mean", "seeds", "test_miou", "test_accuracy")
        facts = [{n: getattr(each, n) for n in (*names, "params")} for each in end.ranked[:_BEST]]
        self._fire("sweep_finished", {"best": facts})

    def stopped(self, reason: str | None) -> None:
        """Run the hook on the end of a sweep that can be resumed."""
        self._fire("sweep_stopped", {"reason": reason})

    def _rung_facts(self, decisions: Sequence[Decision]) -> dict[str, Any]:
        first = decisions[0]
        by_verdict: dict[str, list[int]] = {}
        for decision in decisions:
            by_verdict.setdefault(decision.verdict, []).append(decision.trial)
        params = dict(self._trials[first.trial])
        best = {"trial": first.trial, "score": first.score, "params": params}
        return {
            "rung": first.rung,
            "trials": first.cohort,
            "kept": first.kept,
            "best": None if first.score is None else best,
            "verdicts": by_verdict,
        }

    def _fire(self, hook: HookName, facts: Mapping[str, Any]) -> None:
        if getattr(self._settings, hook) is None:
            return
        about = {
            "event": hook,
            "sweep": self._sweep.name,
            "at": datetime.now(UTC).isoformat(),
            "score": self._sweep.halving.ranked_by,
        }
        self._due.put((hook, json.dumps({**about, **facts}, default=str)))

    def _run_all(self) -> None:
        while (due := self._due.get()) is not None:
            hook, facts = due
            try:
                command = getattr(self._settings, hook)
                outcome = run_command(command, facts, self._settings.timeout)
            except OSError as error:
                outcome = f"cannot be run: {error}"
            if outcome != DONE:
                log.warning("the hook %s %s; the sweep continues", hook, outcome)
            self._record(hook, outcome.partition(":")[0])

    def _record(self, hook: HookName, outcome: str) -> None:
        try:
            self._note("hook", hook=hook, outcome=outcome, at=datetime.now(UTC).isoformat())
        except Exception as error:
            log.warning("could not store that the hook %s %s: %s", hook, outcome, error)


DONE = "is done"


def run_command(command: str, facts: str, timeout_s: float) -> str:
    """Run a shell command with the facts on standard input; return its outcome in words.

    The output of the command is dropped, except for the last line of standard error, which follows
    a colon. That line is for the log only, because it may contain a secret URL.

    Raises:
        OSError: the command cannot be run.
    """
    # Files instead of pipes: a command that does not read its input, or leaves a child process
    # behind, must not block the driver.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
        given.write(facts.encode())
        given.seek(0)
        process = subprocess.Popen(
            command,
            shell=True,
            stdin=given,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,  # so that Ctrl-C only reaches the driver
        )
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"was killed after {timeout_s:g} s"
        if code == 0:
            return DONE
        errors.seek(0)
        printed = errors.read().decode(errors="replace").strip().splitlines()
        return f"ended with exit code {code}{f': {printed[-1]}' if printed else ''}"
