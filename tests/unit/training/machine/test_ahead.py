"""Work in threads, a few items ahead."""

import threading
from contextlib import closing

import pytest

from searchctl.trainer.core.ahead import in_threads
from searchctl.trainer.core.machine.cpus import own_cpus


def test_results_come_in_the_order_of_the_items():
    assert list(in_threads(lambda n: n * n, range(100), "t")) == [(n, n * n) for n in range(100)]


def test_few_items_are_taken_ahead():
    taken = []
    items = (taken.append(n) or n for n in range(1000))
    with closing(in_threads(str, items, "t")) as results:
        next(results)
        assert len(taken) <= 2 * min(own_cpus(), 16)


def test_an_error_ends_all_threads():
    def refuse(n):
        raise ValueError(f"no {n}")

    with pytest.raises(ValueError, match="no 0"), closing(in_threads(refuse, [0, 1], "e")) as each:
        next(each)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("e_")]
