"""Flushes what was committed to the disk."""

import os

from sqlalchemy import Engine


def make_durable(engine: Engine) -> None:
    """Return once everything that was committed would outlive a power cut.

    SQLite's synchronous=NORMAL flushes the write-ahead log at checkpoints only, so that a power cut
    may take the last commits back (never a part of one). Each flush takes some milliseconds, which
    is too much for every commit. PostgreSQL flushes at each commit.

    Raises:
        OSError: the disk does not respond.
    """
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return
    try:
        log = os.open(f"{engine.url.database}-wal", os.O_RDWR)
    except FileNotFoundError:  # all of it has moved into the database, which is flushed then
        return
    try:
        os.fsync(log)
    finally:
        os.close(log)
