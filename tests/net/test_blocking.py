"""Files that do not answer cost a thread and their owner's patience, nobody else's."""

import asyncio
import threading
import time

import pytest

from pyrdpmux.net.blocking import MAX_JOBS_PER_OWNER, BlockingPool, BlockingTimeout


def test_results_and_errors_come_back() -> None:
    async def scenario() -> None:
        pool = BlockingPool()
        assert await pool.run("a", lambda: 5) == 5
        with pytest.raises(FileNotFoundError):
            await pool.run("a", lambda: open("/nowhere/at/all").close())
        await asyncio.sleep(0)
        assert pool.waiting == 0
        pool.close()

    asyncio.run(scenario())


def test_an_owner_whose_files_hang_is_refused_and_others_are_served() -> None:
    async def scenario() -> None:
        pool = BlockingPool(threads=MAX_JOBS_PER_OWNER + 1, seconds=0.05)
        hang = threading.Event()
        for _ in range(MAX_JOBS_PER_OWNER):
            with pytest.raises(BlockingTimeout):
                await pool.run("hangs", hang.wait)
        with pytest.raises(BlockingTimeout):
            await pool.run("hangs", hang.wait)
        assert await pool.run("other", lambda: "served") == "served"
        assert pool.waiting == MAX_JOBS_PER_OWNER
        hang.set()
        assert await pool.run("last", lambda: "served") == "served"  # a thread is free: theirs have ended
        await asyncio.sleep(0.01)
        assert await pool.run("hangs", lambda: "served again") == "served again"
        pool.close()

    asyncio.run(scenario())


def test_an_owner_with_much_to_do_waits_and_is_not_refused() -> None:
    async def scenario() -> None:
        pool = BlockingPool()
        running, most = 0, 0

        def job() -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            time.sleep(0.002)
            running -= 1

        await asyncio.gather(*[pool.run("one", job) for _ in range(50)])
        await asyncio.sleep(0)
        assert most <= MAX_JOBS_PER_OWNER
        assert pool.waiting == 0
        pool.close()

    asyncio.run(scenario())


def test_who_gives_up_while_it_waits_leaves_nothing() -> None:
    async def scenario() -> None:
        pool = BlockingPool()
        hang = threading.Event()
        first = [asyncio.get_running_loop().create_task(pool.run("one", hang.wait)) for _ in range(5)]
        await asyncio.sleep(0.01)
        for task in first[MAX_JOBS_PER_OWNER:]:
            task.cancel()
        await asyncio.gather(*first[MAX_JOBS_PER_OWNER:], return_exceptions=True)
        assert pool.waiting == MAX_JOBS_PER_OWNER
        hang.set()
        await asyncio.gather(*first[:MAX_JOBS_PER_OWNER])
        assert await pool.run("one", lambda: 5) == 5
        pool.close()

    asyncio.run(scenario())
