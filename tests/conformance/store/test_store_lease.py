"""The lease keeps two drivers apart on every store, on that store's own clock."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier, Event

import pytest
from sqlalchemy import select, text, update

from searchctl.orchestrator.core.errors import LeaseLost
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.storage import lease, schema
from searchctl.orchestrator.storage.connect import database_now
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.lease import Holder
from searchctl.orchestrator.storage.reads import queries, spending
from searchctl.orchestrator.storage.writes.cohorts import NewDraw
from searchctl.orchestrator.storage.writes.new_sweeps import create_sweep, request_state
from searchctl.orchestrator.storage.writes.writer import SweepWriter
from tests.sweeps.stored_sweeps import complete, epoch, new_cohort, new_sweep, start

DRIVERS = 8


@pytest.fixture
def take(engine, sweep):
    """Try to take the sweep's lease."""

    def acquire(token="a", ttl_s=30.0, **options):
        return lease.acquire(engine, sweep.id, token, f"host:{token}", ttl_s, **options)

    return acquire


@pytest.fixture
def expire(engine):
    """Let every lease have run out a second ago."""

    def run_out():
        with engine.begin() as connection:
            connection.execute(update(schema.sweeps).values(lease_expires=database_now() - 1))

    return run_out


def driver_of(engine):
    return queries.find_sweep(engine, "first").driver


def test_the_clock_counts_seconds_since_1970_in_milliseconds_or_finer(engine):
    with engine.connect() as connection:
        times = [connection.execute(select(database_now())).scalar_one() for _ in range(200)]
    assert abs(times[-1] - time.time()) < 5
    assert times == sorted(times)
    steps = [after - before for before, after in pairwise(times)]
    assert 0 < min(step for step in steps if step) < 0.005


def test_the_clock_runs_on_within_a_transaction(engine):
    with engine.begin() as connection:
        before = connection.execute(select(database_now())).scalar_one()
        time.sleep(0.05)
        assert connection.execute(select(database_now())).scalar_one() - before > 0.03


def test_a_free_lease_is_taken_and_a_held_one_names_its_holder(engine, sweep, take):
    assert lease.holder(engine, sweep.id) is None
    assert take("a") is None
    for held in (take("b"), lease.holder(engine, sweep.id)):
        assert (held.token, held.owner) == ("a", "host:a")
        assert 25 < held.expires_in <= 30
    assert driver_of(engine) == "host:a"


def test_taking_it_again_is_a_renewal(engine, sweep, take):
    take("a", ttl_s=1)
    assert take("a", ttl_s=30) is None
    assert lease.holder(engine, sweep.id).expires_in > 25


def test_an_expired_lease_is_taken_over_and_its_old_holder_finds_out(engine, sweep, take, expire):
    take("a")
    expire()
    assert driver_of(engine) is None
    assert lease.holder(engine, sweep.id).expires_in < 0
    assert take("b") is None
    with pytest.raises(LeaseLost, match="host:b"):
        lease.renew(engine, sweep.id, "a", 30)
    assert driver_of(engine) == "host:b"


def test_an_expired_lease_that_no_driver_took_is_still_its_holders(engine, sweep, take, expire):
    take("a")
    expire()
    assert lease.renew(engine, sweep.id, "a", 30) == "RUNNING"
    assert take("b").token == "a"


def test_a_holder_known_to_be_dead_is_replaced_before_its_time(engine, sweep, take):
    take("dead")
    assert take("b", replacing="another").token == "dead"
    assert take("b", replacing="dead") is None
    assert lease.holder(engine, sweep.id).token == "b"


def test_a_released_lease_is_free_and_can_be_released_again(engine, sweep, take):
    take("a")
    lease.release(engine, sweep.id, "b")
    assert lease.holder(engine, sweep.id).token == "a"
    for _ in range(2):
        lease.release(engine, sweep.id, "a")
        assert lease.holder(engine, sweep.id) is None
    with pytest.raises(LeaseLost, match="was released"):
        lease.renew(engine, sweep.id, "a", 30)


def test_a_renewal_returns_a_request_to_stop(engine, sweep, take):
    take("a")
    assert lease.renew(engine, sweep.id, "a", 30) == "RUNNING"
    request_state(engine, "first", "STOPPED")
    assert lease.renew(engine, sweep.id, "a", 30) == "STOPPED"


def test_the_lease_of_one_sweep_is_not_that_of_another(engine, sweep, take):
    other = create_sweep(engine, new_sweep("second"))
    take("a")
    assert lease.holder(engine, other) is None
    assert lease.acquire(engine, other, "b", "host:b", 30) is None
    lease.release(engine, other, "b")
    assert lease.holder(engine, sweep.id).token == "a"


def test_every_write_renews_the_lease(engine, sweep, writer, expire):
    expire()
    start(writer)
    assert lease.holder(engine, sweep.id).expires_in > 25


WRITES = {
    "start_attempt": lambda writer: start(writer, token="t2"),
    "attempt_started": lambda writer: writer.attempt_started("t1", "node:1"),
    "set_waiting": lambda writer: writer.set_waiting(None),
    "save_epoch": lambda writer: writer.save_epoch("t1", epoch()),
    "lose_attempt": lambda writer: writer.lose_attempt("t1", "lost", "gone"),
    "save_result": lambda writer: writer.save_result("t1", complete(), []),
    "set_state": lambda writer: writer.set_state("STOPPED"),
    "replace_spec": lambda writer: writer.replace_spec({}, "h", {}, "f", {}, []),
    "note": lambda writer: writer.note("resumed"),
    "add_initial_files": lambda writer: writer.add_initial_files({}),
    "request_cohorts": lambda writer: writer.request_cohorts([new_cohort(1)]),
    "retry_failed": lambda writer: writer.retry_failed([JobKey(0, 0)], None),
    "draw_cohort": lambda writer: writer.draw_cohort(NewDraw(1, 2, [], [], {})),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_driver_that_lost_its_lease_writes_nothing(engine, sweep, writer, take, write):
    start(writer)
    take("b", replacing="mine")
    with pytest.raises(LeaseLost, match="host:b"):
        WRITES[write](writer)
    row = queries.find_sweep(engine, "first")
    assert (row.state, row.spec, row.driver) == ("RUNNING", {"name": "first"}, "host:b")
    assert [row.outcome for row in queries.attempts(engine, sweep)] == [None]
    assert queries.epochs(engine, sweep, 0) == queries.events(engine, sweep) == []


def test_the_writer_has_no_write_that_is_not_tested_here():
    public = {name for name, value in vars(SweepWriter).items() if callable(value)}
    assert {name for name in public if not name.startswith("_")} - {"close_open_attempts"} == set(
        WRITES
    )


@pytest.fixture(params=["file", "postgresql"])
def shared(request, tmp_path):
    """A store that several drivers reach, each over connections of its own."""
    url = f"sqlite:///{tmp_path}/store.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    engines = []

    def open_another():
        engines.append(open_database(url, create=True))
        return engines[-1]

    yield open_another
    for engine in engines:
        engine.dispose()


def at_once(actions):
    """Do all of these at the same moment, each in a thread; return what they return."""
    barrier = Barrier(len(actions))

    def act(action):
        barrier.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(act, actions))


@pytest.mark.parametrize("before", [None, {"ttl_s": -1}, {"ttl_s": 60}])
def test_of_drivers_that_take_a_lease_at_once_exactly_one_wins(shared, before):
    engines = [shared() for _ in range(DRIVERS)]
    sweep_id = create_sweep(engines[0], new_sweep())
    if before:  # expired, or known to be dead
        lease.acquire(engines[0], sweep_id, "before", "host:before", **before)

    def taker(number):
        token = f"t{number}"
        return lambda: lease.acquire(
            engines[number], sweep_id, token, token, 30, replacing="before"
        )

    found = at_once([taker(number) for number in range(DRIVERS)])
    assert found.count(None) == 1
    winner = f"t{found.index(None)}"
    assert {held.token for held in found if held} == {winner}
    assert lease.holder(engines[0], sweep_id).token == winner


def test_no_driver_takes_a_lease_over_in_the_middle_of_a_write(shared):
    first, second = shared(), shared()
    sweep_id = create_sweep(first, new_sweep())
    lease.acquire(first, sweep_id, "a", "host:a", -1)
    inside, requested = Event(), Event()

    def write():
        with first.begin() as connection:
            lease.hold(connection, sweep_id, "a", 30)
            inside.set()
            requested.wait(10)
            time.sleep(0.5)  # the other one is waiting by now
            connection.execute(text("UPDATE searchctl_sweeps SET error = 'by a'"))

    def take_over() -> Holder | None:
        inside.wait(10)
        requested.set()
        return lease.acquire(second, sweep_id, "b", "host:b", 30)

    _, held = at_once([write, take_over])
    assert held.token == "a"
    assert queries.find_sweep(second, "first").error == "by a"


def test_a_write_that_starts_during_a_takeover_stores_nothing(shared):
    first, second = shared(), shared()
    sweep_id = create_sweep(first, new_sweep())
    lease.acquire(first, sweep_id, "a", "host:a", -1)
    writer = SweepWriter(first, sweep_id, "a", 30)
    inside, requested = Event(), Event()

    def take_over():
        with second.begin() as connection:
            values = {"lease_token": "b", "lease_owner": "host:b"}
            connection.execute(update(schema.sweeps).values(values))
            inside.set()
            requested.wait(10)
            time.sleep(0.5)

    def write():
        inside.wait(10)
        requested.set()
        with pytest.raises(LeaseLost, match="host:b"):
            start(writer)

    at_once([take_over, write])
    assert queries.attempts(second, queries.find_sweep(second, "first")) == []


def test_one_writer_used_by_many_threads_stores_everything_once(shared):
    engine = shared()
    params = [{"lr": number} for number in range(1, DRIVERS + 1)]
    sweep_id = create_sweep(engine, new_sweep(params=params))
    lease.acquire(engine, sweep_id, "a", "host:a", 30)
    writer = SweepWriter(engine, sweep_id, "a", 30)

    def job(trial):
        def run():
            start(writer, trial, token=f"t{trial}")
            for number in (1, 2):
                writer.save_epoch(f"t{trial}", epoch(number))
            return writer.save_result(f"t{trial}", complete(), [])

        return run

    assert at_once([job(trial) for trial in range(DRIVERS)]) == [True] * DRIVERS
    sweep = queries.find_sweep(engine, "first")
    assert [row.state for row in queries.jobs(engine, sweep)] == ["COMPLETE"] * DRIVERS
    assert spending.images_trained(engine, sweep) == DRIVERS * 2 * 5
