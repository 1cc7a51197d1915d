"""Runs the checks of parts in a child process, with a time limit."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.own_code.child import child_environment
from searchctl.trainer.settings.options.own_options import named_parts
from searchctl.trainer.settings.source.own import args_setting
from searchctl.trainer.settings.training import TrainSettings

LIMIT_S = 300.0
"""Seconds that the checks of all parts may take together."""
_LAST_LINES = 5


@dataclass(frozen=True)
class Part:
    """A part to check."""

    name: str
    kind: str | None = None
    """model, loss, optimizer or lr_schedule; None: the import decides."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings that its options are in."""


@dataclass(frozen=True)
class Request:
    """Parts to check, and the images that networks are to take."""

    parts: Sequence[Part]
    classes: int = 5
    channels: int = 3
    size: tuple[int, int] = (64, 64)
    """Height and width in pixels."""
    only_quick: bool = False
    """Leave out the checks that take long."""

    def to_json(self) -> str:
        """Return what the program reads."""
        images = {"classes": self.classes, "channels": self.channels, "size": self.size}
        parts = [asdict(part) for part in self.parts]
        return json.dumps({"parts": parts, "images": images, "only_quick": self.only_quick})


@dataclass(frozen=True)
class Found:
    """The finding of one check."""

    part: str
    check: str
    problem: str | None
    """What is wrong, and what to do; None if nothing is."""
    note: str = ""


def parts_of(settings: Sequence[TrainSettings], *, but: Sequence[str] = ()) -> list[Part]:
    """Return the own parts of trials, each once with each of its arguments."""
    found: dict[str, Part] = {}
    for kind, name, _ in named_parts(settings):
        if name in but:
            continue
        for each in (each for each in settings if getattr(each, kind) == name):
            part = Part(name, kind, _related(kind, each))
            found.setdefault(json.dumps([kind, name, getattr(each, args_setting(kind))]), part)
    return list(found.values())


def _related(kind: str, settings: TrainSettings) -> dict[str, Any]:
    """Return the settings that the checks of a part read."""
    names = (kind, args_setting(kind), "lr", "weight_decay")
    return json.loads(settings.model_dump_json(include=set(names)))  # type: ignore[no-any-return]  # a mapping


def check_own_parts(sweep: Sweep, settings: Sequence[TrainSettings], classes: int) -> None:
    """Run the quick checks of a sweep's own parts, before the first job.

    Raises:
        SearchctlError: a check failed; each is named.
    """
    parts = parts_of(settings)
    if not parts:
        return
    data = sweep.data
    request = Request(parts, classes, data.channels, data.image_size, only_quick=True)
    failed = [each for each in check_apart(request, None) if each.problem is not None]
    if failed:
        raise SearchctlError(*(f"{each.part}: {each.check}: {each.problem}" for each in failed))


def check_apart(request: Request, folder: Path | None, limit_s: float = LIMIT_S) -> Iterator[Found]:
    """Yield the findings of the checks, as they come.

    Args:
        request: what is checked.
        folder: the directory that is searched first for modules; None: where this process does.
        limit_s: seconds that this may take.

    Raises:
        SearchctlError: it took too long, or the process ended.
    """
    late = threading.Event()
    with TemporaryFile("w+", errors="replace") as printed:
        process, report = _started(request, folder, printed)

        def end() -> None:
            late.set()
            _end(process)

        timer = threading.Timer(limit_s, end)
        timer.start()
        try:
            with report:
                yield from (Found(**json.loads(line)) for line in report)
            code = process.wait()
        finally:
            timer.cancel()
            _end(process)
            process.wait()
        printed.seek(0)
        _refuse_end(code, printed.read(), late=late.is_set(), limit_s=limit_s)


def _started(
    request: Request, folder: Path | None, printed: IO[str]
) -> "tuple[subprocess.Popen[str], IO[str]]":
    """Start the program with a request; return it, and the findings that it writes."""
    reading, writing = os.pipe()
    environment = child_environment()
    if folder is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(folder), environment["PYTHONPATH"]])
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "searchctl.trainer.checks.program", str(writing)],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=printed,
        stderr=subprocess.STDOUT,
        pass_fds=[writing],
        text=True,
        start_new_session=True,
    )
    os.close(writing)
    assert process.stdin is not None, "it is a pipe"
    with suppress(BrokenPipeError), process.stdin:
        process.stdin.write(request.to_json())
    return process, os.fdopen(reading, encoding="utf-8")


def _end(process: "subprocess.Popen[str]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _refuse_end(code: int, printed: str, *, late: bool, limit_s: float) -> None:
    if late:
        raise SearchctlError(
            f"the checks take longer than {limit_s:g} s: look for code that waits or downloads "
            "when it is imported or built"
        )
    if code:
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        last = "\n".join(printed.strip().splitlines()[-_LAST_LINES:])
        raise SearchctlError(f"the checks ended {how}" + (f":\n{last}" if last else ""))
