"""Row 12: who guesses passwords is slowed down, and nobody else is."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

import pytest

from tests.hostile.attack import ATTACKERS
from tests.hostile.scene import assert_prompt, looking, scene
from tests.hostile.target import ALICE, A, Settings, Target, running
from tests.hostile.visitor import Visitor, at_the_challenge, visiting, welcome

LIMIT: Final = 10
"""Failed logons of one address in a minute, as it is configured by default."""

AT_ONCE: Final = 8

PATIENCE: Final = 4.0
"""Seconds for the answers to guesses; those that come later still are as good as none."""

GUESS: Final = {"user": ALICE["user"], "password": "a guess"}


async def at_the_door(stack: AsyncExitStack, target: Target, source: str, count: int) -> list[Visitor]:
    """So many that have been asked for the password, and have not answered yet."""
    visitors = []
    for _ in range(count):
        visit = visiting(target.gateway, source=source, hold=at_the_challenge, **GUESS)
        visitors.append(await stack.enter_async_context(visit))
        await visitors[-1].until_held()
    return visitors


async def answers(visitors: list[Visitor]) -> int:
    """How many passwords were looked at."""
    for visitor in visitors:
        visitor.go_on()
    await asyncio.gather(*[visitor.until_over(PATIENCE) for visitor in visitors])
    return sum([visitor.was_turned_away for visitor in visitors])


@scene
async def test_guesses_in_parallel_are_no_more_than_one_after_the_other() -> None:
    """Eight and eight at a time, of which each was let in while there was room: ten are looked at."""
    async with running() as target, AsyncExitStack() as stack:
        looked_at = await answers(await at_the_door(stack, target, "127.0.1.1", AT_ONCE))
        looked_at += await answers(await at_the_door(stack, target, "127.0.1.1", AT_ONCE))
        assert 0 < looked_at <= LIMIT


@scene
async def test_the_right_guess_comes_too_late_as_well() -> None:
    """It was asked for the password before the others had failed."""
    async with running() as target, AsyncExitStack() as stack:
        first = await at_the_door(stack, target, "127.0.1.1", 4)
        lucky = await stack.enter_async_context(
            visiting(target.gateway, source="127.0.1.1", hold=at_the_challenge, **ALICE)
        )
        await lucky.until_held()
        await answers(first)
        await answers(await at_the_door(stack, target, "127.0.1.1", 4))
        lucky.go_on()
        assert not await lucky.until_active(2)


@scene
async def test_an_account_that_many_guess_at_is_still_its_owner_s() -> None:
    """180 guesses from 20 addresses, nine each, below what any may; and she logs on from elsewhere."""
    async with running() as target, looking(target) as alice:

        async def guess(source: str) -> None:
            for _ in range(9):
                await welcome(target.gateway, source=source, seconds=2, **GUESS)

        async with asyncio.TaskGroup() as group:
            guessing = [group.create_task(guess(source)) for source in ATTACKERS[:20]]
            await asyncio.sleep(0.5)
            for number in range(1, 4):
                assert (await welcome(target.gateway, source=f"127.0.2.{number}", **ALICE)).is_active
            assert_prompt(await alice.press_several(3))
            await asyncio.gather(*guessing)
        assert (await welcome(target.gateway, source="127.0.3.1", **ALICE)).is_active


@scene
async def test_guesses_at_one_account_become_slower_from_wherever_they_come() -> None:
    """How many are looked at in five seconds; a slow machine looks at fewer, which is as well."""
    async with running() as target:
        looked_at = 0

        async def guess(source: str) -> None:
            nonlocal looked_at
            for _ in range(9):
                async with visiting(target.gateway, source=source, **GUESS) as visitor:
                    await visitor.until_over()
                    looked_at += visitor.was_turned_away

        tasks = [asyncio.create_task(guess(source)) for source in ATTACKERS[:20]]
        await asyncio.wait(tasks, timeout=5)
        seen = looked_at
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert 0 < seen < 90


@pytest.mark.parametrize("source", ["127.0.6.1", "127.0.7.200"])
@scene
async def test_networks_that_are_exempt_are_never_refused(source: str) -> None:
    """A whole office behind one address, where somebody has forgotten a password."""
    exempt = ["127.0.6.0/24", "127.0.7.128/25", "2001:db8::/32"]
    async with running(Settings(limits={"exempt-networks": exempt})) as target:
        for _ in range(LIMIT + 2):
            await welcome(target.gateway, source=source, **GUESS)
        assert (await welcome(target.gateway, source=source, **ALICE)).is_active
        assert (await welcome(await target.port(A), source=source, **ALICE)).is_active


@scene
async def test_attempts_are_delayed_and_not_refused() -> None:
    """Eight with the right password at once, from one address that may make two in a second."""
    async with running(Settings(limits={"attempts-per-second": 2, "viewers-per-vm": 100})) as target:
        visits = [welcome(target.gateway, source="127.0.2.1", seconds=30, **ALICE) for _ in range(8)]
        found = await asyncio.gather(*visits)
        assert [visit.is_active for visit in found] == [True] * 8
        spread = sorted([visit.timing.proved or 0.0 for visit in found])
        assert spread[-1] - spread[0] > 1.5, "of two seconds, after a burst of four"
