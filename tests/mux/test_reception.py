"""A listening address that may change while connections are served."""

import asyncio
import logging

import pytest

from pyrdpmux.mux.doorkeeper import Doorkeeper
from pyrdpmux.mux.reception import Reception
from pyrdpmux.mux.vm import Console
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from tests.mux.rdp_client import connected
from tests.mux.serving import LIMITS, run, served

DONE = ErrorInfo.RPC_INITIATED_DISCONNECT


def beside(console: Console, doorkeeper: Doorkeeper) -> Reception:
    """Another way to the same console."""

    def receive() -> tuple[Console, ServerConnection]:
        return console, doorkeeper.connect(console.name, console.display)

    return Reception("beside", LIMITS, receive, doorkeeper.failed_logons)


async def refuses(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.close()
    return False


def test_it_serves_where_it_is_bound_before_it_is_used(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        async with served(doorkeeper) as console:
            reception = beside(console, doorkeeper)
            listener = await reception.bind("127.0.0.1", 0)
            assert reception.port == 0
            async with connected(listener.port) as client:
                await client.until(lambda: client.connection.is_active)
                await reception.use(listener, "127.0.0.1")
                assert (reception.host, reception.port) == ("127.0.0.1", listener.port)
                await reception.close(DONE, "done")
                await client.until(lambda: client.is_closed)
                assert client.error_info == DONE

    run(scenario)


def test_who_came_by_an_address_of_the_past_stays(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        async with served(doorkeeper) as console:
            reception = beside(console, doorkeeper)
            await reception.listen("127.0.0.1", 0)
            first = reception.port
            async with connected(first) as client:
                await client.until(lambda: client.connection.is_active)
                await reception.listen("127.0.0.1", 0)
                assert reception.port != first
                assert await refuses(first)
                await reception.stop_listening()
                assert reception.port == 0
                await reception.stop_listening()
                assert not client.is_closed
                await reception.close(DONE, "done")
                await client.until(lambda: client.is_closed)

    run(scenario)


def test_others_are_told_too_and_not_waited_for(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        async with served(doorkeeper) as console:
            reception = beside(console, doorkeeper)
            await reception.listen("127.0.0.1", 0)
            async with connected(console.port) as client:
                await client.until(lambda: client.connection.is_active)
                await reception.close(DONE, "done", console.viewers)
                await client.until(lambda: client.is_closed)
                assert client.error_info == DONE

    run(scenario)


def test_every_connection_has_a_number_of_its_own(
    doorkeeper: Doorkeeper, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with (
            served(doorkeeper) as console,
            connected(console.port) as one,
            connected(console.port) as two,
        ):
            await one.until(lambda: one.connection.is_active)
            await two.until(lambda: two.connection.is_active)

    with caplog.at_level(logging.INFO):
        run(scenario)
    numbers = [
        record.getMessage().split()[0] for record in caplog.records if "Connected" in record.getMessage()
    ]
    assert len(set(numbers)) == 2
