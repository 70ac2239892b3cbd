"""Jobs in threads: results come back, nobody has more than a few, and giving up leaves nothing behind."""

import asyncio
import sys
import threading
import time

import pytest

from pyrdpmux.net import heap, workers
from pyrdpmux.net.workers import JOBS_PER_OWNER, SWITCH_SECONDS, WorkerPool
from tests.mux.support.fake_host import until


def test_results_and_errors_come_back_from_another_thread() -> None:
    async def scenario() -> None:
        pool = WorkerPool()
        assert await pool.run("a", threading.get_ident) != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            await pool.run("a", lambda: 1 // 0)
        await asyncio.sleep(0)
        assert pool.waiting == 0
        pool.close()
        with pytest.raises(RuntimeError):
            await pool.run("a", threading.get_ident)
        assert pool.waiting == 0

    asyncio.run(scenario())


def test_one_owner_has_few_threads_and_others_have_theirs() -> None:
    async def scenario() -> None:
        pool = WorkerPool(JOBS_PER_OWNER + 1)
        loop, go_on = asyncio.get_running_loop(), threading.Event()
        busy = [loop.create_task(pool.run("busy", go_on.wait)) for _ in range(5)]
        await asyncio.sleep(0)
        assert await pool.run("other", lambda: "served") == "served"
        go_on.set()
        assert all(await asyncio.gather(*busy))
        pool.close()

    asyncio.run(scenario())


def test_a_cancelled_job_keeps_its_place_until_it_has_ended() -> None:
    async def scenario() -> None:
        pool = WorkerPool()
        loop, go_on, done = asyncio.get_running_loop(), threading.Event(), []

        def job() -> None:
            go_on.wait()
            done.append("job")
            raise ValueError("that nobody hears")

        tasks = [loop.create_task(pool.run("one", job)) for _ in range(JOBS_PER_OWNER + 1)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert pool.waiting == JOBS_PER_OWNER, "the one that had no thread is not done at all"
        go_on.set()
        assert await pool.run("one", lambda: "next") == "next"
        await until(lambda: pool.waiting == 0)
        assert len(done) == JOBS_PER_OWNER
        pool.close()

    asyncio.run(scenario())


def test_what_no_thread_has_is_not_done_when_it_closes() -> None:
    async def scenario() -> None:
        pool = WorkerPool(1)
        loop, go_on = asyncio.get_running_loop(), threading.Event()
        first = loop.create_task(pool.run("one", go_on.wait))
        second = loop.create_task(pool.run("one", go_on.wait))
        await asyncio.sleep(0)
        pool.close()
        go_on.set()
        assert await first
        with pytest.raises(asyncio.CancelledError):
            await second

    asyncio.run(scenario())


def test_memory_is_given_back_once_for_all_who_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    monkeypatch.setattr(workers, "TRIM_SECONDS", 0.02)
    monkeypatch.setattr(heap, "trim", lambda: threads.append(threading.get_ident()))

    async def scenario() -> None:
        pool = WorkerPool()
        for _ in range(3):
            pool.trim_soon()
        await until(lambda: len(threads) > 0)
        pool.trim_soon()
        await until(lambda: len(threads) > 1)
        pool.trim_soon()
        pool.close()
        await asyncio.sleep(0.1)
        assert len(threads) == 2
        assert threading.get_ident() not in threads

    asyncio.run(scenario())


def test_says_what_jobs_take_of_processors() -> None:
    async def scenario() -> None:
        pool = WorkerPool()

        def busy() -> float:
            started = time.thread_time()
            while time.thread_time() - started < 0.002:
                pass
            return time.thread_time() - started

        spent = await pool.run("a", busy)
        assert pool.seconds_of("a") >= spent
        with pytest.raises(ZeroDivisionError):
            await pool.run("b", lambda: busy() // 0)
        assert pool.seconds_of("b") > 0.0
        assert pool.seconds == pool.seconds_of("a") + pool.seconds_of("b")
        pool.close()

    asyncio.run(scenario())


def test_nothing_is_kept_of_an_owner_who_is_gone() -> None:
    async def scenario() -> None:
        pool, go_on = WorkerPool(), threading.Event()
        last = asyncio.get_running_loop().create_task(pool.run("a", go_on.wait))
        await asyncio.sleep(0)
        pool.forget("a")
        go_on.set()
        await last
        assert pool._of_owner == {}
        assert pool.seconds > 0.0
        pool.close()

    asyncio.run(scenario())


def test_a_busy_thread_gives_the_interpreter_back_soon() -> None:
    before = sys.getswitchinterval()
    try:
        sys.setswitchinterval(0.005)
        WorkerPool().close()
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS, rel=0.02)
        sys.setswitchinterval(SWITCH_SECONDS / 8)
        WorkerPool().close()
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS / 8, rel=0.02), "somebody wants less"
    finally:
        sys.setswitchinterval(before)
