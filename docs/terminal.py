"""Runs a command in a terminal of a given width, and writes its screen as an SVG."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

SEARCHCTL = Path(sys.executable).parent / "searchctl"
_CONTROL = re.compile(r"(\r?\n|\r|\x1b\[1A|\x1b\[2K|\x1b\[\?25[lh])")
_UNFINISHED = re.compile(r"(\r|\x1b[^A-Za-z]*)\Z")
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def screens(arguments: Sequence[str], folder: Path, width: int) -> Iterator[str]:
    """Run searchctl in a terminal; yield the screen after each change."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 60, width, 0, 0))
    seen = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    command = [str(SEARCHCTL), *arguments]
    with subprocess.Popen(command, cwd=folder, stdin=its, stdout=its, stderr=its, env=seen):
        os.close(its)
        shown = Screen()
        while written := _read(ours):
            shown.write(written.decode(errors="replace"))
            yield str(shown)
    os.close(ours)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the writer has ended
        return b""


class Screen:
    """The content of a screen; lines may be overwritten."""

    def __init__(self) -> None:
        """Start with an empty screen."""
        self._lines = [""]
        self._row = 0
        self._unfinished = ""

    def __str__(self) -> str:
        """Return its lines, with their colour codes."""
        return "\n".join(self._lines).strip("\n")

    def write(self, written: str) -> None:
        """Add a program's output, up to an incomplete control sequence."""
        written = self._unfinished + written
        whole = _UNFINISHED.sub("", written)
        self._unfinished = written[len(whole) :]
        for part in _CONTROL.split(whole):
            self._take(part)

    def _take(self, part: str) -> None:
        if part in ("\n", "\r\n"):
            self._row += 1
            self._lines += [""] * (self._row == len(self._lines))
        elif part == "\x1b[1A":
            self._row = max(self._row - 1, 0)
        elif part == "\x1b[2K":
            self._lines[self._row] = ""
        elif not _CONTROL.fullmatch(part):
            self._lines[self._row] += part


def save_svg(shown: str, title: str, width: int, path: Path) -> None:
    """Write a screen as an SVG that needs no embedded font."""
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(shown), "", sep="\n")  # or the last line would be cut below
    drawn = console.export_svg(title=title)
    path.write_text(_FONTS.sub("", drawn).replace("Fira Code, monospace", "monospace"))
