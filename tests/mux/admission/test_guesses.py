"""Who guesses passwords is answered ever later; who does not, is not."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from pyrdpmux.mux.admission.guesses import (
    FREE_GUESSES,
    MAX_ACCOUNT_WAIT,
    MAX_COUNTED,
    MAX_NETWORK_WAIT,
    MAX_PAIR_WAIT,
    WINDOW_SECONDS,
    FailureCounts,
    Guesses,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_it_grows_at_one_account_and_ends_after_a_while() -> None:
    clock = Clock()
    guesses = Guesses(10, clock)
    waits, told = [], []
    for _ in range(FREE_GUESSES + 8):
        waits.append(guesses.wait("here", "alice"))
        told.append(guesses.failed("here", "alice"))
    assert waits[: FREE_GUESSES + 4] == [0.0] * FREE_GUESSES + [1.0, 2.0, 4.0, 8.0]
    assert waits[-1] == MAX_PAIR_WAIT
    assert told.count(True) == 1
    clock.now += WINDOW_SECONDS
    assert guesses.wait("here", "alice") == 0.0


def test_nobody_is_locked_out_by_anothers_guesses() -> None:
    """Not from elsewhere, and not from behind the same address under another name."""
    guesses = Guesses(10, Clock())
    for number in range(1000):
        guesses.failed(f"network {number % 50}", "alice")
        guesses.failed("office", "alice")
    assert 0.0 < guesses.wait("home", "alice") <= MAX_ACCOUNT_WAIT
    assert 0.0 < guesses.wait("office", "bob") <= MAX_NETWORK_WAIT
    assert guesses.wait("home", "bob") == 0.0


def test_the_right_password_makes_up_for_mistakes() -> None:
    guesses = Guesses(10, Clock())
    for _ in range(FREE_GUESSES):
        guesses.failed("here", "alice")
    guesses.succeeded("here", "alice")
    guesses.failed("here", "alice")
    assert guesses.wait("here", "alice") == 0.0


def test_it_can_be_switched_off() -> None:
    guesses = Guesses(0, Clock())
    for _ in range(100):
        assert not guesses.failed("here", "alice")
    assert guesses.wait("here", "alice") == 0.0


def test_what_is_remembered_is_bounded() -> None:
    counts = FailureCounts(Clock())
    for number in range(MAX_COUNTED + 9):
        counts.add(number)
    assert len(counts) == MAX_COUNTED
    assert (counts.of(0), counts.of(MAX_COUNTED)) == (0, 1)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(10):
            await scenario()

    asyncio.run(bounded())


def test_guesses_in_parallel_gain_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is checked after the one before has failed, and waits as that one's failure says."""
    slept: list[float] = []
    sleep = asyncio.sleep

    async def notes(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    async def scenario() -> None:
        guesses = Guesses(10, Clock())

        async def guess() -> None:
            async with guesses.attempt("here", "alice"):
                guesses.failed("here", "alice")

        monkeypatch.setattr(asyncio, "sleep", notes)
        await asyncio.gather(*[guess() for _ in range(16)])
        monkeypatch.setattr(asyncio, "sleep", sleep)
        assert not guesses._queues

    run(scenario)
    assert slept == [0.0] * FREE_GUESSES + [1.0, 2.0, 4.0, 8.0, 16.0] + [MAX_PAIR_WAIT] * 8
