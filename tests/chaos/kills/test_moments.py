"""What is seen of a sweep that is not stored yet."""

from datetime import UTC, datetime

from tests.chaos.kills.moments import Moment, NodeView, Watcher
from tests.servers.postgres_server import PostgresServer

NOW = datetime.now(UTC)


def test_a_driver_whose_database_has_no_tables_yet_is_starting(postgres_server, tmp_path):
    starting = NodeView(Moment.START_UP, starting=True)
    for url in (postgres_server.new_database(), f"sqlite:///{tmp_path}/searchctl.db"):
        assert Watcher(url, epochs=2).look(NOW) == starting


def test_a_server_that_is_down_is_an_outage(postgres_server):
    with PostgresServer() as server:
        url = server.new_database()
    assert Watcher(url, epochs=2).look(NOW) == NodeView(Moment.OUTAGE)
