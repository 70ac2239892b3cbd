"""Listening, accepting, and closing without disturbing who is there."""

import asyncio
import logging
import socket
from collections.abc import Coroutine
from typing import Any

import pytest

from pyrdpmux.net.listener import ACCEPTED_AT_ONCE, listen
from tests.net.lines import run


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(100):
            writer.write(data)
    finally:
        writer.close()


def test_any_port_will_do() -> None:
    async def scenario() -> None:
        first, second = await listen("127.0.0.1", 0, echo), await listen("127.0.0.1", 0, echo)
        assert first.port != second.port
        assert first.port > 0
        await first.close()
        await second.close()

    run(scenario)


def test_many_at_once_are_accepted_a_few_at_a_time_and_none_is_lost() -> None:
    async def scenario() -> None:
        accepted = 0

        async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal accepted
            accepted += 1

        listener = await listen("127.0.0.1", 0, count)
        crowd = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(200)]
        steps = []
        while accepted < len(crowd):
            before = accepted
            await asyncio.sleep(0)
            steps.append(accepted - before)
        assert max(steps) <= ACCEPTED_AT_ONCE
        for one in crowd:
            one.close()
        await listener.close()
        await listener.cancel_connections()

    run(scenario)


def test_a_port_that_is_taken() -> None:
    async def scenario() -> None:
        listener = await listen("127.0.0.1", 0, echo)
        with pytest.raises(OSError, match="address already in use"):
            await listen("127.0.0.1", listener.port, echo)
        await listener.close()

    run(scenario)


def test_closing_leaves_connections_alone_and_cancelling_ends_them() -> None:
    async def scenario() -> None:
        listener = await listen("127.0.0.1", 0, echo)
        port = listener.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        await listener.close()
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"after")
        assert await reader.readexactly(5) == b"after"
        await listener.cancel_connections()
        assert await reader.read() == b""
        writer.close()

    run(scenario)


def test_a_connection_that_fails_is_logged_and_costs_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    async def fail_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline() == b"fail\n":
            writer.close()
            raise RuntimeError("as asked")
        await echo(reader, writer)

    async def scenario() -> None:
        listener = await listen("127.0.0.1", 0, fail_once)
        good_reader, good_writer = await asyncio.open_connection("127.0.0.1", listener.port)
        bad_reader, bad_writer = await asyncio.open_connection("127.0.0.1", listener.port)
        bad_writer.write(b"fail\n")
        assert await bad_reader.read() == b""
        bad_writer.close()
        good_writer.write(b"go on\nstill here")
        assert await good_reader.readexactly(10) == b"still here"
        good_writer.close()
        await listener.close()
        await listener.cancel_connections()

    with caplog.at_level(logging.ERROR):
        run(scenario)
    [record] = caplog.records
    assert record.name == "pyrdpmux.net"
    assert "connection from ('127.0.0.1'" in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], RuntimeError)


def test_a_connection_that_is_cancelled_before_it_ran_is_closed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        listener = await listen("127.0.0.1", 0, echo)
        create = listener._tasks.create

        def create_and_cancel(coroutine: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
            task = create(coroutine, name)
            task.cancel()
            return task

        monkeypatch.setattr(listener._tasks, "create", create_and_cancel)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        assert await reader.read() == b""
        writer.close()
        await listener.close()

    run(scenario)
