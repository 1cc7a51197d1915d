"""Counts and moments as text, the same in every view."""

from datetime import datetime


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun in the right form.

    >>> counted(1, "error"), counted(0, "error"), counted(2, "discrepancy", "discrepancies")
    ('1 error', '0 errors', '2 discrepancies')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def main_line(error: str | None) -> str:
    r"""Return the line of a job's error that says most; `searchctl show` prints all of it.

    >>> main_line("my_nets:Net fails: KeyError: 'size'\n  my_nets.py:9, in forward: sizes['size']")
    "my_nets:Net fails: KeyError: 'size'"
    >>> main_line("Traceback (most recent call last):\n  File ...\nKeyError: 'size'")
    "KeyError: 'size'"
    """
    lines = (error or "").strip().splitlines() or [""]
    return lines[-1] if lines[0].startswith("Traceback") else lines[0]


def local_time(moment: datetime, *, seconds: bool = False) -> str:
    """Return a moment in this machine's time zone, with the zone's name.

    >>> from datetime import UTC
    >>> local_time(datetime(2026, 11, 28, 18, 0, tzinfo=UTC)).startswith("2026-11-2")
    True
    """
    return f"{moment.astimezone():%Y-%m-%d %H:%M{':%S' * seconds} %Z}"
