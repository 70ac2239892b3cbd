"""A listening address that may change while connections are served."""

import asyncio
import logging

import pytest

from pyrdpmux.mux.admission.acceptor import Acceptor, Arrival
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.console.viewer import Viewer
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from tests.mux.rdp_client import connected
from tests.mux.serving import run, served

DONE = ErrorInfo.RPC_INITIATED_DISCONNECT


def beside(console: Console, factory: ConnectionFactory) -> Acceptor:
    """Another way to the same console."""

    def receive(arrival: Arrival) -> Viewer:
        connection = factory.connect(console.name, (640, 480), lambda proof: True)
        return Viewer(console, connection, arrival, factory.desk)

    return Acceptor("beside", factory.control, receive)


async def refuses(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.close()
    return False


def test_it_serves_where_it_is_bound_before_it_is_used(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            acceptor = beside(console, factory)
            listener = await acceptor.bind("127.0.0.1", 0)
            assert acceptor.port == 0
            async with connected(listener.port) as client:
                await client.until(lambda: client.connection.is_active)
                await acceptor.use(listener, "127.0.0.1")
                assert (acceptor.host, acceptor.port) == ("127.0.0.1", listener.port)
                await acceptor.close(DONE, "done")
                await client.until(lambda: client.is_closed)
                assert client.error_info == DONE

    run(scenario)


def test_who_came_by_an_address_of_the_past_stays(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            acceptor = beside(console, factory)
            await acceptor.listen("127.0.0.1", 0)
            first = acceptor.port
            async with connected(first) as client:
                await client.until(lambda: client.connection.is_active)
                await acceptor.listen("127.0.0.1", 0)
                assert acceptor.port != first
                assert await refuses(first)
                await acceptor.stop_listening()
                assert acceptor.port == 0
                await acceptor.stop_listening()
                assert not client.is_closed
                await acceptor.close(DONE, "done")
                await client.until(lambda: client.is_closed)

    run(scenario)


def test_others_are_told_too_and_not_waited_for(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            acceptor = beside(console, factory)
            await acceptor.listen("127.0.0.1", 0)
            async with connected(console.port) as client:
                await client.until(lambda: client.connection.is_active)
                await acceptor.close(DONE, "done", console.viewers)
                await client.until(lambda: client.is_closed)
                assert client.error_info == DONE

    run(scenario)


def test_every_connection_has_a_number_of_its_own(
    factory: ConnectionFactory, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with (
            served(factory) as console,
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
