"""Files that do not answer cost a thread and their owner's patience, nobody else's."""

import asyncio
import threading

import pytest

from pyrdpmux.errors import LimitExceeded
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
        with pytest.raises(LimitExceeded):
            await pool.run("hangs", hang.wait)
        assert await pool.run("other", lambda: "served") == "served"
        assert pool.waiting == MAX_JOBS_PER_OWNER
        hang.set()
        assert await pool.run("last", lambda: "served") == "served"  # a thread is free: theirs have ended
        await asyncio.sleep(0.01)
        assert await pool.run("hangs", lambda: "served again") == "served again"
        pool.close()

    asyncio.run(scenario())
