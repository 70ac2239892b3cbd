"""An event loop whose time passes as soon as there is nothing else to do: timers are exact, nobody sleeps."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

MAX_SECONDS = 3600.0


class _Selector(selectors.SelectSelector):
    """Waits by moving the clock."""

    def __init__(self, clock: "VirtualLoop") -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise AssertionError("nothing is going to happen any more")
        self._clock.pass_by(timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Begins at second 100."""

    def __init__(self) -> None:
        self._now = 100.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self._now

    def pass_by(self, seconds: float) -> None:
        self._now += seconds


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """In virtual time; without end, it fails after an hour of that."""

    async def bounded() -> None:
        async with asyncio.timeout(MAX_SECONDS):
            await scenario()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(bounded())


async def turns(count: int = 20) -> None:
    """Let everybody do what can be done at this time."""
    for _ in range(count):
        await asyncio.sleep(0)
