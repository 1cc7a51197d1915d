"""Writes while the database answers, while it does not, and when it takes no more."""

import sqlite3
from itertools import pairwise

import pytest
from sqlalchemy.exc import OperationalError

from searchctl.orchestrator.core.errors import DatabaseFull
from searchctl.orchestrator.driver.outbox import BACK_OFF_S, Outbox


def sqlite_error(code, text):
    cause = sqlite3.OperationalError(text)
    cause.sqlite_errorcode = code
    return OperationalError("INSERT", {}, cause)


BUSY = sqlite_error(sqlite3.SQLITE_BUSY, "database is locked")
FULL = sqlite_error(sqlite3.SQLITE_FULL, "database or disk is full")


class Database:
    """Takes writes, or raises a given error."""

    def __init__(self):
        self.rows, self.error, self.now, self.messages = [], None, 0.0, []

    def write(self, row):
        if self.error:
            raise self.error
        self.rows.append(row)

    def outbox(self):
        return Outbox(self.messages.append, lambda: self.messages.append("up"), lambda: self.now)


@pytest.fixture
def database():
    return Database()


def test_a_database_that_answers_is_written_to_at_once(database):
    outbox = database.outbox()
    outbox.put(lambda: database.write(1))
    assert database.rows == [1]
    assert database.messages == []


def test_what_could_not_be_written_follows_in_its_order(database):
    outbox = database.outbox()
    database.error = BUSY
    for row in (1, 2, 3):
        outbox.put(lambda row=row: database.write(row))
    assert database.rows == []
    assert not outbox.flush()
    database.error, database.now = None, 100.0
    assert outbox.flush()
    assert database.rows == [1, 2, 3]
    assert database.messages == ["database is locked", "up"]


def test_tries_are_apart_by_the_back_off_and_never_further_than_its_last_step(database):
    outbox, tries = database.outbox(), []
    database.error = BUSY
    outbox.put(lambda: (tries.append(database.now), database.write(1)))
    for tenth in range(1, 400):
        database.now = tenth / 10
        outbox.flush()
    waits = [round(after - before, 1) for before, after in pairwise(tries)]
    assert waits[:5] == [pytest.approx(wait, abs=0.11) for wait in BACK_OFF_S]
    assert max(waits) <= BACK_OFF_S[-1] + 0.1


def test_a_full_database_stops_the_sweep_and_says_what_to_do(database):
    database.error = FULL
    with pytest.raises(DatabaseFull, match=r"disk is full.*free disk space"):
        database.outbox().put(lambda: database.write(1))


def test_an_error_of_ours_is_not_taken_for_an_outage(database):
    database.error = KeyError("a bug")
    with pytest.raises(KeyError):
        database.outbox().put(lambda: database.write(1))


def test_draining_ends_at_a_stop(database):
    outbox = database.outbox()
    database.error = BUSY
    outbox.put(lambda: database.write(1))
    assert not outbox.drain(lambda: True)
    database.error, database.now = None, 100.0
    assert outbox.drain(lambda: False)
    assert database.rows == [1]
