"""A feed loads ahead, and knows nevertheless what was taken."""

import threading
import time

import grain
import numpy as np
import pytest

from edgeconnect_jax.training.feed import Feed


def numbers():
    """Batches of two numbers, without end."""
    dataset = grain.MapDataset.range(100).map(lambda i: {"x": np.array(i)}).repeat().batch(2)
    return iter(dataset.to_iter_dataset(grain.ReadOptions(num_threads=1, prefetch_buffer_size=2)))


@pytest.fixture
def open_feed():
    feeds = []

    def create(*given):
        feeds.append(Feed(*given))
        return feeds[-1]

    yield create
    for feed in feeds:
        feed.close()


def wait_until_ahead(data, position):
    """Waits until `data` no longer moves, beyond `position`."""
    end, before = time.monotonic() + 20, None
    while before is None or data.get_state() != before or before == position:
        assert time.monotonic() < end
        before = data.get_state()
        time.sleep(0.05)


def test_batches_come_in_order_stacked_and_placed(open_feed):
    threads = []

    def place(batch):
        threads.append(threading.current_thread())
        return {"x": batch["x"] * 10}

    feed = open_feed(numbers(), 3, place)
    assert next(feed)["x"].tolist() == [[0, 10], [20, 30], [40, 50]]
    assert next(feed)["x"].tolist() == [[60, 70], [80, 90], [100, 110]]
    assert threading.main_thread() not in threads
    assert next(open_feed(numbers(), 1, lambda batch: batch))["x"].tolist() == [[0, 1]]


@pytest.mark.parametrize("count", [1, 2])
def test_the_position_is_that_of_what_was_taken(open_feed, count):
    data, given = numbers(), []
    feed = open_feed(data, count, lambda batch: given.append(batch) or batch)
    for taken in range(3):
        wait_until_ahead(data, feed.position)
        assert len(given) <= taken + 2  # one waits, and one is in the thread's hands
        other = numbers()
        other.set_state(feed.position)
        expected = [next(other)["x"].tolist() for _ in range(count)]
        assert next(feed)["x"].tolist() == expected


def test_rewinding_gives_back_what_was_not_taken(open_feed):
    data = numbers()
    feed = open_feed(data, 1, lambda batch: batch)
    next(feed)
    wait_until_ahead(data, feed.position)
    feed.rewind()
    assert next(open_feed(data, 2, lambda batch: batch))["x"].tolist() == [[2, 3], [4, 5]]


def test_errors_reach_who_takes_the_batch(open_feed):
    def place(batch):
        if batch["x"][0, 0] == 2:
            raise ValueError("no room")
        return batch

    feed = open_feed(numbers(), 1, place)
    next(feed)
    for _ in range(2):  # it does not wait for a thread that has ended
        with pytest.raises(ValueError, match="no room"):
            next(feed)


def test_closing_ends_the_thread(open_feed):
    threads = set(threading.enumerate())
    feed = open_feed(numbers(), 1, lambda batch: batch)
    feed.close()
    assert not [t for t in set(threading.enumerate()) - threads if t.name == "feed"]
    with pytest.raises(RuntimeError, match="closed"):
        next(feed)
