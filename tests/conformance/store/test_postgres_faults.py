"""Real faults of a PostgreSQL server, and their handling."""

import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from sqlalchemy import event, text

from searchctl.orchestrator.storage import lease
from searchctl.orchestrator.storage.connect import connect
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.writes.new_sweeps import create_sweep
from searchctl.orchestrator.storage.writes.writer import SweepWriter
from tests.servers.postgres_server import PostgresServer
from tests.sweeps.stored_sweeps import complete, new_sweep, start


@pytest.fixture(scope="module")
def server(postgres_server):
    """A server of this file's own, to be stopped and killed."""
    with PostgresServer({"max_connections": "12"}) as server:
        yield server


@pytest.fixture
def engine(server):
    server.start()
    engine = open_database(server.new_database(), create=True)
    yield engine
    engine.dispose()


@pytest.fixture
def writer(engine):
    """A driver with a started job and a connection."""
    sweep_id = create_sweep(engine, new_sweep())
    lease.acquire(engine, sweep_id, "mine", "here:1", 30)
    writer = SweepWriter(engine, sweep_id, "mine", 30)
    start(writer)
    return writer


@pytest.fixture
def states(engine):
    """The states of the sweep's jobs, as they are stored."""
    return lambda: [row.state for row in queries.jobs(engine, queries.find_sweep(engine, "first"))]


@pytest.fixture
def before_commit(engine):
    """Do something just before the next commit."""
    return lambda action: event.listen(engine, "commit", action, once=True)


WAYS_DOWN = {
    "stopped": lambda server: server.stop("fast"),
    "crashed": lambda server: server.stop("immediate"),
    "killed": lambda server: server.kill(),
}
down = pytest.mark.parametrize("go_down", WAYS_DOWN.values(), ids=WAYS_DOWN)


def save(writer):
    return writer.save_result("t1", complete(), [])


@down
def test_a_server_that_went_down_is_retried_until_it_is_back(
    server, writer, states, outcome, go_down
):
    go_down(server)
    began = time.monotonic()
    assert [outcome(lambda: save(writer)) for _ in range(3)] == ["again"] * 3
    assert time.monotonic() - began < 10
    server.start()
    assert save(writer)
    assert states() == ["COMPLETE"]


@down
def test_a_server_that_goes_down_before_a_commit_has_stored_nothing(
    server, writer, states, outcome, before_commit, go_down
):
    before_commit(lambda _: go_down(server))
    assert outcome(lambda: save(writer)) == "again"
    server.start()
    assert states() == ["RUNNING"]
    assert save(writer)


def test_a_commit_whose_answer_is_lost_is_repeated_without_harm(
    server, writer, states, outcome, before_commit
):
    def commit_and_go_down(connection):
        connection.connection.dbapi_connection.execute("COMMIT")
        server.kill()
        connection.execute(text("SELECT 'the answer'"))

    before_commit(commit_and_go_down)
    assert outcome(lambda: save(writer)) == "again"
    server.start()
    assert states() == ["COMPLETE"]
    assert save(writer) is False


def test_a_server_that_accepts_no_connections_yet_is_retried(outcome):
    with PostgresServer({"hot_standby": "off"}) as server:
        server.stop()
        (server.folder / "data" / "standby.signal").touch()  # it now recovers without end
        server.launch()
        engine = connect(server.url())
        messages = []

        def knock():
            try:
                engine.connect()
            except Exception as error:
                messages.append(str(error))
                raise

        while "not accepting connections" not in "".join(messages):
            assert outcome(knock) == "again"


@pytest.mark.parametrize("listens", [False, True])
def test_a_server_that_never_answers_is_given_up_in_seconds(outcome, listens):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listens:
            silent.listen()
        began = time.monotonic()
        engine = connect(f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/x")
        assert outcome(engine.connect) == "again"
        assert time.monotonic() - began < 10


def test_a_refused_user_is_waited_for(server, engine, outcome):
    stranger = connect(server.url().replace("searchctl@", "stranger@"))
    assert outcome(stranger.connect) == "again"


def test_a_session_that_an_administrator_ended_is_retried(server, engine, outcome):
    def ended():
        with engine.begin() as connection:
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            server.execute(f"SELECT pg_terminate_backend({pid})")
            connection.execute(text("SELECT 1"))

    assert outcome(ended) == "again"


def test_a_driver_that_is_stopped_within_a_transaction_makes_way(server, engine, writer, outcome):
    other = connect(engine.url.render_as_string())

    def stopped():
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '300ms'"))
            lease.hold(connection, 1, "mine", 30)
            assert lease.acquire(other, 1, "b", "host:b", 30, replacing="mine") is None
            connection.execute(text("SELECT 1"))

    assert outcome(stopped) == "again"
    assert lease.holder(other, 1).owner == "host:b"
    other.dispose()


def test_every_session_has_limits_to_its_patience(engine):
    with engine.connect() as connection:
        for name, value in (
            ("idle_in_transaction_session_timeout", "20s"),
            ("lock_timeout", "30s"),
        ):
            assert connection.execute(text(f"SHOW {name}")).scalar_one() == value
        info = connection.connection.dbapi_connection.info.get_parameters()
    assert (info["connect_timeout"], info["tcp_user_timeout"]) == ("5", "10000")


def test_a_limit_in_the_url_counts_before_ours(engine):
    other = connect(engine.url.render_as_string() + "?connect_timeout=3")
    with other.connect() as connection:
        info = connection.connection.dbapi_connection.info.get_parameters()
    assert (info["connect_timeout"], info["keepalives_idle"]) == ("3", "4")
    other.dispose()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_way_to_write_postgresql_means_the_same_driver(engine, scheme):
    other = connect(engine.url.render_as_string().replace("postgresql+psycopg", scheme))
    with other.connect() as connection:
        assert connection.dialect.driver == "psycopg"
    other.dispose()


def test_a_lock_that_is_not_free_in_time_is_retried(engine, writer, outcome):
    def blocked():
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '100ms'"))
            lease.hold(connection, 1, "mine", 30)

    with engine.begin() as connection:
        lease.hold(connection, 1, "mine", 30)
        assert outcome(blocked) == "again"


def test_a_deadlock_is_retried(engine, writer, outcome):
    create_sweep(engine, new_sweep("second"))
    touch = text("UPDATE searchctl_sweeps SET error = '' WHERE id = :id")

    def deadlocked():
        with ThreadPoolExecutor(1) as pool, engine.begin() as one, engine.begin() as two:
            one.execute(touch, {"id": 1})
            two.execute(touch, {"id": 2})
            waiting = pool.submit(one.execute, touch, {"id": 2})
            two.execute(touch, {"id": 1})
            waiting.result()

    assert outcome(deadlocked) == "again"


def test_a_serialization_failure_is_retried(engine, writer, outcome):
    touch = text("UPDATE searchctl_sweeps SET error = ''")

    def too_late():
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            connection.execute(text("SELECT * FROM searchctl_sweeps")).all()
            writer.note("in between")
            connection.execute(touch)

    assert outcome(too_late) == "again"


def test_a_crowd_of_connections_is_retried(engine, outcome):
    crowd = [connect(engine.url.render_as_string()) for _ in range(12)]
    with ExitStack() as held:

        def everybody_comes():
            for each in crowd:
                held.callback(each.dispose)
                held.enter_context(each.connect())

        assert outcome(everybody_comes) == "again"


def test_a_server_that_only_reads_is_full(server, engine, writer, outcome):
    database = f"ALTER DATABASE {engine.url.database}"
    server.execute(f"{database} SET default_transaction_read_only = on")
    engine.dispose()
    assert outcome(lambda: save(writer)) == "full"
    server.execute(f"{database} RESET default_transaction_read_only")
    engine.dispose()
    assert save(writer)


def test_a_full_disk_is_full_and_when_there_is_room_the_writer_continues(
    server, engine, small_disk, outcome
):
    place = server.folder / "small"
    place.mkdir()
    owner = server.folder.stat()
    small_disk(place, f"size=12m,mode=700,uid={owner.st_uid},gid={owner.st_gid}")
    server.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
    server.execute("CREATE DATABASE small TABLESPACE small")
    small = open_database(server.url("small"), create=True)
    sweep_id = create_sweep(small, new_sweep())
    lease.acquire(small, sweep_id, "mine", "here:1", 30)
    writer = SweepWriter(small, sweep_id, "mine", 30)

    def fill():
        for number in range(1000):
            writer.note("padding", number=number, text=os.urandom(50_000).hex())

    assert outcome(fill) == "full"
    small_disk(place, "size=64m")
    assert start(writer) == 1
    small.dispose()
    server.execute("DROP DATABASE small")
    server.execute("DROP TABLESPACE small")


def test_a_wrong_statement_is_neither_retried_nor_a_full_disk(engine, writer, outcome):
    def execute(statement):
        with engine.begin() as connection:
            connection.execute(text(statement))

    for statement in (
        "SELECT * FROM missing",
        "INSERT INTO searchctl_trials SELECT * FROM searchctl_trials",
        "SELECT FROM WHERE",
        "SELECT 1 / 0",
    ):
        assert outcome(lambda statement=statement: execute(statement)) == "ours"
