"""The queue to the device, without networks."""

import asyncio
import threading

import pytest

from edgeconnect_jax.serving.device import Device, Full


class Gate:
    """Work that says when it begins and waits until it may end."""

    def __init__(self):
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self):
        self.begun.set()
        assert self.open.wait(30)
        return "passed"


@pytest.fixture
def device():
    device = Device(3)
    yield device
    device.close()


def run(main):
    return asyncio.run(main())


def test_places_are_bounded_and_given_back(device):
    with device.place(), device.place(), device.place():
        with pytest.raises(Full), device.place():
            pass
        assert device.taken == 3
    with pytest.raises(KeyError), device.place():
        raise KeyError
    assert device.taken == 0


def test_work_is_done_in_order_in_one_thread(device):
    done = []

    async def main():
        def work(i):
            return lambda: done.append((i, threading.get_ident()))

        await asyncio.gather(*(device.run(work(i)) for i in range(5)))

    run(main)
    assert [i for i, _ in done] == [0, 1, 2, 3, 4]
    assert len({thread for _, thread in done}) == 1 and done[0][1] != threading.get_ident()


def test_times_and_errors(device):
    async def main():
        gate = Gate()
        first, second = asyncio.create_task(device.run(gate)), asyncio.create_task(device.run(lambda: 7))
        await asyncio.sleep(0.05)
        gate.open.set()
        result, after = await first, await second
        assert result.value == "passed" and result.took >= 0.04 > result.waited
        assert after.value == 7 and after.waited >= 0.04 > after.took
        with pytest.raises(ZeroDivisionError):
            await device.run(lambda: 1 / 0)

    run(main)


def test_work_that_nobody_waits_for_is_not_begun(device):
    async def main():
        gate, begun = Gate(), []
        first = asyncio.create_task(device.run(gate))
        await asyncio.to_thread(gate.begun.wait, 30)
        left, stays = (asyncio.create_task(device.run(lambda i=i: begun.append(i))) for i in (1, 2))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.sleep(0)
        gate.open.set()
        await first
        await stays
        assert left.cancelled() and begun == [2]

    run(main)


def test_warming_up_makes_way_for_requests_and_outlives_a_failure(device, caplog):
    order, gate = [], Gate()

    def fail():
        raise ValueError("no such program")

    async def main():
        device.warm_up([gate, fail, lambda: order.append("warm")])
        await asyncio.to_thread(gate.begun.wait, 30)
        assert (device.warm_ups, device.warm_ups_done) == (3, 0)
        request = asyncio.create_task(device.run(lambda: order.append("request")))
        await asyncio.sleep(0)
        gate.open.set()
        await request
        while device.warm_ups_done < 3:
            await asyncio.sleep(0.005)

    run(main)
    assert order == ["request", "warm"]
    assert "no such program" in caplog.text


def test_closing_gives_up_what_waits():
    device, gate, begun = Device(3), Gate(), []

    async def main():
        device.warm_up([gate, lambda: begun.append("warm")])
        await asyncio.to_thread(gate.begun.wait, 30)
        waiting = asyncio.create_task(device.run(lambda: begun.append("request")))
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(device.close))
        await asyncio.sleep(0.05)
        gate.open.set()
        await closing
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(main)
    assert not begun
