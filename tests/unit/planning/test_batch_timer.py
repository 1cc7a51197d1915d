import pytest

from searchctl.orchestrator.planning.probing.batch_timer import WARM_UP, BatchTimer


class Clock:
    """A clock that advances only when a batch is trained."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def timed(sizes, seconds_of_batch, seconds):
    """Train batches until there are enough; return the laps and how many batches it took."""
    clock = Clock()
    batch_timer = BatchTimer(sizes, seconds, clock=clock)
    batch = 0
    while not batch_timer():
        clock.now += seconds_of_batch(batch)
        batch += 1
    return batch_timer, batch


def test_a_steady_loop_takes_the_same_in_every_lap():
    batch_timer, _ = timed([4], lambda batch: 0.25, seconds=5)
    span = batch_timer.seconds_per_image
    assert (span.low, span.expected, span.high) == (0.0625, 0.0625, 0.0625)


def test_the_batches_of_the_warm_up_do_not_count():
    batch_timer, _ = timed([2], lambda batch: 100 if batch < WARM_UP else 0.5, seconds=5)
    assert batch_timer.seconds_per_image.high == 0.25


def test_it_ends_after_about_the_seconds_that_it_is_given():
    _, batches = timed([4], lambda batch: 0.1, seconds=5)
    assert (batches - WARM_UP) * 0.1 == pytest.approx(5, rel=0.1)


def test_a_network_that_is_slower_than_that_makes_two_laps():
    _, batches = timed([4], lambda batch: 60, seconds=5)
    assert batches == WARM_UP + 2


def test_a_smaller_last_batch_counts_its_own_images_however_often_it_comes():
    batch_timer, _ = timed([4, 4, 1], lambda batch: (4, 4, 1)[batch % 3] * 0.5, seconds=50)
    span = batch_timer.seconds_per_image
    assert span.low == span.expected == span.high == pytest.approx(0.5)


def test_a_slow_spell_widens_the_spread():
    batch_timer, _ = timed([1], lambda batch: 2.0 if batch > 20 else 1.0, seconds=30)
    assert batch_timer.seconds_per_image.low == 1.0
    assert batch_timer.seconds_per_image.high == 2.0
