"""What the tests of this folder have in common: a viewer of VM A, whom nobody may disturb."""

import asyncio
import functools
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tests.hostile.house import SIGN, color_of
from tests.hostile.target import ALICE, A, Target
from tests.hostile.visitor import Visitor, Welcome, stroke, visiting, welcome

POLITE: Final = "127.0.2.1"
KEY: Final = 0x1F
SCENE_SECONDS: Final = 150.0
ANSWER_SECONDS: Final = 30.0
"""For one key, before a test gives up."""

AT_MOST: Final = 0.1
TYPICALLY: Final = 0.025
"""Seconds that the daemon may compute between a key of alice's and the pixel that it changes, whatever
others do meanwhile. Its own time, by the kernel's account: a busy machine changes nothing. With nobody else
there it computes 2 ms."""


@dataclass
class Answer:
    """How long somebody waited for a key to be seen, and what the daemon computed meanwhile."""

    seconds: float
    work: float


class Onlooker:
    """Alice, who looks at VM A."""

    def __init__(self, target: Target, visitor: Visitor) -> None:
        self.visitor = visitor
        self._target = target
        self._keys = 0

    async def press(self, seconds: float = ANSWER_SECONDS) -> Answer:
        """One key, until it is seen. Raises TimeoutError."""
        self._keys += 1
        expected = np.array(color_of(self._keys), np.uint8)
        loop = asyncio.get_running_loop()
        started, computed = loop.time(), self._target.observer.loop_seconds
        self.visitor.type(*stroke(KEY))
        await self.visitor.until(lambda: self._shows(expected), seconds)
        return Answer(loop.time() - started, self._target.observer.loop_seconds - computed)

    async def press_several(self, count: int, pause: float = 0.05) -> list[Answer]:
        answers = []
        for _ in range(count):
            answers.append(await self.press())
            await asyncio.sleep(pause)
        return answers

    def _shows(self, color: Any) -> bool:
        picture = self.visitor.picture
        assert not self.visitor.is_over, "the polite viewer was sent away"
        return picture.shape[0] >= SIGN.bottom and bool((picture[SIGN.y, SIGN.x, :3] == color).all())


@asynccontextmanager
async def looking(target: Target, source: str = POLITE) -> AsyncIterator[Onlooker]:
    """Alice is there and sees VM A; nobody has typed there yet."""
    await target.house.tell("forget", A)
    async with visiting(await target.port(A), source=source, **ALICE) as visitor:
        assert await visitor.until_active(), "the polite viewer was not let in"
        onlooker = Onlooker(target, visitor)
        await visitor.until(lambda: onlooker._shows(np.array(color_of(0), np.uint8)))
        yield onlooker


def assert_prompt(answers: list[Answer]) -> None:
    """None of them waited for much of what others made the daemon do."""
    work = [round(answer.work * 1000, 1) for answer in answers]
    assert max(work) < AT_MOST * 1000, f"ms of work before each answer: {work}"
    assert statistics.median(work) < TYPICALLY * 1000, f"ms of work before each answer: {work}"


async def all_welcome(port: int, sources: list[str], account: dict[str, Any]) -> list[Welcome]:
    """Polite strangers, one after the other."""
    return [await welcome(port, source=source, **account) for source in sources]


def scene(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a coroutine as a test, and not for ever."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(SCENE_SECONDS):
                await test(*args, **kwargs)

        asyncio.run(bounded())

    return run
