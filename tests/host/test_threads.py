import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from edgeconnect_jax.host.threads import in_threads


def test_results_come_in_order():
    def work(i):
        time.sleep(0.001 * (i % 3))
        return i * i

    assert list(in_threads(work, range(100))) == [i * i for i in range(100)]
    assert list(in_threads(work, [])) == []


def test_work_is_not_far_ahead_of_who_takes_it():
    begun = []
    results = in_threads(begun.append, range(1000))
    next(results)
    time.sleep(0.05)
    assert len(begun) < 100
    results.close()


def test_work_is_ahead_even_if_it_is_quick(monkeypatch):
    begun = []
    monkeypatch.setattr(ThreadPoolExecutor, "submit", lambda pool, work, item: done(work(item)))
    results = in_threads(begun.append, range(10))
    next(results)
    assert len(begun) > 1
    results.close()


def done(result):
    future = Future()
    future.set_result(result)
    return future


def test_errors_reach_who_takes_the_result():
    with pytest.raises(ZeroDivisionError):
        list(in_threads(lambda x: 1 / x, [1, 0, 2]))
