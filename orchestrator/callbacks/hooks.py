"""Runs the commands that a sweep.yaml names under `hooks:`, with the facts on standard input.

A hook can do the sweep no harm: it runs in a thread and a process of its own, is killed when it
takes too long, and whatever becomes of it is logged and stored as an event. It runs once at most:
a driver that dies takes the hooks that were due with it.
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
from searchctl.orchestrator.config.hook_settings import HookName, HookSettings
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import LeaseLost, SearchctlError
from searchctl.orchestrator.facts.ranking import Ranked
from searchctl.orchestrator.halving.rule import Decision

log = logging.getLogger("searchctl")

PATIENCE_S = 1.0
"""So long a sweep that has ended waits for its hooks before it says so."""


class Hooks(Callback):
    """Runs a sweep's hooks, one after the other, from its entry to its exit."""

    def __init__(
        self,
        sweep: Sweep,
        settings: HookSettings,
        note: Callable[..., None],
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Run these hooks of a sweep; `note` stores an event, `say` tells what is waited for."""
        self._sweep = sweep
        self._settings = settings
        self._note = note
        self._say = say
        self._due: queue.SimpleQueue[tuple[HookName, str] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run_all, name="hooks", daemon=True)

    def __enter__(self) -> Self:
        """Be ready."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Tell of an error that ended the sweep, and wait until all hooks have run."""
        if isinstance(error, Exception) and not isinstance(error, LeaseLost):
            # the words of an error that is not ours may hold anything, passwords too
            ours = isinstance(error, SearchctlError)
            self._fire("sweep_failed", {"error": str(error) if ours else type(error).__name__})
        self._due.put(None)
        self._thread.join(PATIENCE_S)
        if self._thread.is_alive():
            self._say(f"waiting for the sweep's hooks, {self._settings.timeout:g} s each at most")
            self._thread.join()

    def rung_closed(self, decisions: Sequence[Decision]) -> None:
        """Run the hook on the end of a rung."""
        self._fire("rung_closed", self._rung_facts(decisions))

    def finished(self, best: Sequence[Ranked]) -> None:
        """Run the hook on the end of a sweep with an answer; `best` are its best trials."""
        names = ("rank", "trial", "rung", "score", "test_miou", "test_accuracy", "params")
        facts = [{name: getattr(each, name) for name in names} for each in best]
        self._fire("sweep_finished", {"best": facts})

    def stopped(self, reason: str | None) -> None:
        """Run the hook on the end of a sweep that can be resumed."""
        self._fire("sweep_stopped", {"reason": reason})

    def _rung_facts(self, decisions: Sequence[Decision]) -> dict[str, Any]:
        first = decisions[0]
        by_verdict: dict[str, list[int]] = {}
        for decision in decisions:
            by_verdict.setdefault(decision.verdict, []).append(decision.trial)
        params = dict(self._sweep.trials()[first.trial])
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
            "score": self._sweep.halving.score,
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
                log.warning("the hook %s %s; the sweep goes on", hook, outcome)
            self._record(hook, outcome.partition(":")[0])

    def _record(self, hook: HookName, outcome: str) -> None:
        try:
            self._note("hook", hook=hook, outcome=outcome, at=datetime.now(UTC).isoformat())
        except Exception as error:
            log.warning("that the hook %s %s could not be stored: %s", hook, outcome, error)


DONE = "is done"


def run_command(command: str, facts: str, timeout_s: float) -> str:
    """Run a command of the shell with the facts on standard input; say what became of it.

    What it says itself is not kept, but for the last line of its errors, after a colon: that line
    is for the log only, as it may hold the address that it was to call.

    Raises:
        OSError: it cannot be run.
    """
    # files, not pipes: neither a command that reads nothing nor one that leaves a process behind
    # is waited for
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
        given.write(facts.encode())
        given.seek(0)
        process = subprocess.Popen(
            command,
            shell=True,
            stdin=given,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is for the sweep
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
        said = errors.read().decode(errors="replace").strip().splitlines()
        return f"ended with exit code {code}{f': {said[-1]}' if said else ''}"
