"""Tasks that cannot be lost."""

import asyncio
import gc
import logging

import pytest

from pyrdpmux.net.tasks import TaskSet
from tests.net.lines import run


async def wait_forever(log: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        log.append("ended")


async def fail() -> None:
    raise RuntimeError("on purpose")


def test_an_exception_is_logged_with_the_name(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        tasks = TaskSet()
        task = tasks.create(fail(), "the failing one")
        await asyncio.wait([task])
        assert len(tasks) == 0

    with caplog.at_level(logging.ERROR):
        run(scenario)
    [record] = caplog.records
    assert record.getMessage() == "Task the failing one failed"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "on purpose"


def test_cancelling_waits_and_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []

    async def scenario() -> None:
        tasks = TaskSet()
        for name in ("one", "two"):
            tasks.create(wait_forever(log), name)
        await asyncio.sleep(0)
        assert len(tasks) == 2
        await tasks.cancel_all()
        assert len(tasks) == 0

    run(scenario)
    assert log == ["ended", "ended"]
    assert caplog.records == []


def test_nobody_else_need_hold_a_task() -> None:
    log: list[str] = []

    async def scenario() -> None:
        tasks = TaskSet()
        event, ended = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            await event.wait()
            log.append("done")
            ended.set()

        tasks.create(wait(), "held by the set only")
        await asyncio.sleep(0)
        gc.collect()
        event.set()
        await ended.wait()
        assert log == ["done"]

    run(scenario)
