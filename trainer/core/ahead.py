"""Work on many items in threads, a few items ahead of who takes the results."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from searchctl.trainer.core.machine.cpus import own_cpus

_MOST_THREADS = 16
"""Each holds an item, such as an image of original size, in memory."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    work: Callable[[Item], Result], items: Iterable[Item], name: str
) -> Generator[tuple[Item, Result], None, None]:
    """Yield each item with its result, in the order of the items.

    However many items there are, only twice as many as there are threads are taken ahead. All
    threads have ended once the iteration has ended or is closed.

    Args:
        work: called in a thread with each item; what it raises is raised here.
        items: taken one by one.
        name: of the threads.
    """
    threads = min(own_cpus(), _MOST_THREADS)
    waiting = iter(items)
    ahead: deque[tuple[Item, Future[Result]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
    try:
        ahead += ((item, pool.submit(work, item)) for item in islice(waiting, 2 * threads))
        while ahead:
            item, future = ahead.popleft()
            yield item, future.result()
            ahead += ((item, pool.submit(work, item)) for item in islice(waiting, 1))
    finally:
        pool.shutdown(cancel_futures=True)
