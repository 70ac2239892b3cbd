"""How much the threads that decode may work."""

import threading

import pytest

from pyrdpmux.mux.resting import REST_FACTOR
from pyrdpmux.mux.vnc.turns import (
    BURST_SECONDS,
    LET_GO_SECONDS,
    SLICE_SECONDS,
    THREAD_SHARE,
    Slots,
    ThreadTurns,
)


class Clocks:
    """Time that passes when a test says so; work takes both kinds of it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.cpu = 0.0

    def work(self, seconds: float) -> None:
        self.now += seconds
        self.cpu += seconds


def turns_of(clocks: Clocks) -> ThreadTurns:
    return ThreadTurns(Slots(1), lambda: clocks.now, lambda: clocks.cpu)


def test_a_slice_ends() -> None:
    clocks = Clocks()
    with turns_of(clocks).slice() as piece:
        assert not piece.is_over
        clocks.now += SLICE_SECONDS
        assert piece.is_over


def test_who_works_all_the_time_does_so_for_half_of_it() -> None:
    clocks = Clocks()
    turns = turns_of(clocks)
    began = clocks.now
    for _ in range(1000):
        with turns.slice():
            clocks.work(0.01)
        clocks.now += turns.rest_seconds
    assert turns.worked == pytest.approx(10.0)
    assert turns.worked / (clocks.now - began) == pytest.approx(THREAD_SHARE, rel=0.05)


def test_who_works_less_only_lets_go() -> None:
    clocks = Clocks()
    turns = turns_of(clocks)
    for _ in range(1000):
        with turns.slice():
            clocks.work(0.004)
        assert not turns.is_tired
        assert turns.rest_seconds == LET_GO_SECONDS
        clocks.now += 0.005


def test_who_has_rested_may_work_a_little_longer() -> None:
    clocks = Clocks()
    turns = turns_of(clocks)
    clocks.now += 3600.0
    worked = 0.0
    while not turns.is_tired:
        with turns.slice():
            clocks.work(0.001)
        worked += 0.001
    assert worked == pytest.approx(BURST_SECONDS / (1 - THREAD_SHARE), rel=0.05)


def test_waiting_costs_nothing() -> None:
    clocks = Clocks()
    turns = turns_of(clocks)
    with turns.slice():
        clocks.now += 10.0
    assert (turns.worked, turns.is_tired) == (0.0, False)


def test_work_of_the_loop_costs_more() -> None:
    """So that there is a quarter of it at most."""
    clocks = Clocks()
    turns = turns_of(clocks)
    turns.charge_loop(1000.0)
    spared = BURST_SECONDS / THREAD_SHARE
    assert turns.rest_seconds == pytest.approx((1 + REST_FACTOR) * 1000.0 - spared)
    assert turns.worked == 0.0


def test_places_are_handed_on_in_order() -> None:
    slots = Slots(1)
    slots.enter()
    order: list[int] = []

    def work(number: int) -> None:
        slots.enter()
        order.append(number)
        slots.leave()

    threads = []
    for number in range(5):
        thread = threading.Thread(target=work, args=(number,))
        thread.start()
        threads.append(thread)
        while len(slots._waiting) <= number:
            pass
    slots.leave()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_so_many_work_at_a_time() -> None:
    slots = Slots(2)
    lock = threading.Lock()
    working, most = 0, 0

    def work() -> None:
        nonlocal working, most
        for _ in range(50):
            slots.enter()
            with lock:
                working += 1
                most = max(most, working)
            with lock:
                working -= 1
            slots.leave()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most <= 2
    assert slots._free == 2
