"""How a connection begins and ends; what goes over it is in test_backend and test_decoding."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux.errors import BackendError, PeerClosed
from pyrdpmux.harness.programs import free_port
from pyrdpmux.mux.vnc import connection
from pyrdpmux.mux.vnc.connection import VncConnection
from pyrdpmux.mux.vnc.input import VncInput
from pyrdpmux.mux.vnc.target import VncTarget
from pyrdpmux.rfb.client_messages import FramebufferUpdateRequest, PointerEvent
from tests.mux.serving import run
from tests.mux.support.fake_host import FakeVm, until
from tests.mux.vnc.fake_server import vnc_server
from tests.rfb.scripted import NO_SECURITY, VERSION_8, server_init


def connection_to(target: VncTarget, *, is_watched: bool = True) -> tuple[VncConnection, VncInput]:
    sink = VncInput()
    vm = FakeVm("vm", sink)
    return VncConnection(target, target.rfb_config(), vm, sink, is_watched=is_watched), sink


def test_the_second_address_of_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(VERSION_8 + NO_SECURITY + server_init())
            writer.write_eof()
            await reader.read()
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]

        async def two_addresses(*_: Any, **__: Any) -> list[Any]:
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", number))
                for number in (free_port(), port)
            ]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", two_addresses)
        async with server:
            made, _ = connection_to(VncTarget(host="vnc.test", port=port))
            with pytest.raises(PeerClosed):
                await made.run()
            assert made.was_connected

    run(scenario)


def test_nobody_is_there() -> None:
    async def scenario() -> None:
        made, _ = connection_to(VncTarget(host="127.0.0.1", port=free_port()))
        with pytest.raises(ConnectionRefusedError):
            await made.run()
        assert not made.was_connected
        made.watch(is_watched=False)
        made.flush()
        assert not made.is_congested

    run(scenario)


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> socket.socket:
        answer: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()
        return await answer

    monkeypatch.setattr(connection, "_connect", never)
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.01)

    async def scenario() -> None:
        made, _ = connection_to(VncTarget(host="127.0.0.1", port=5900))
        with pytest.raises(BackendError, match=r"127\.0\.0\.1:5900: no answer within 0\.01 s"):
            await made.run()

    run(scenario)


def test_who_is_cancelled_leaves_no_thread_behind(tmp_path: Path) -> None:
    """The next connection's thread paints the same surface."""

    async def scenario() -> None:
        async with vnc_server(tmp_path / "vnc") as server:
            made, sink = connection_to(VncTarget(path=tmp_path / "vnc"))
            task = asyncio.get_running_loop().create_task(made.run())
            await until(lambda: server.count(FramebufferUpdateRequest) == 1)
            sink.pointer(1, 2)
            await until(lambda: server.count(PointerEvent) == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert made._thread is not None
            made._thread._thread.join()
            sink.pointer(3, 4)  # goes nowhere

    run(scenario)


def test_who_comes_while_it_connects_is_not_forgotten(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with vnc_server(tmp_path / "vnc") as server:
            made, _ = connection_to(VncTarget(path=tmp_path / "vnc"), is_watched=False)
            task = asyncio.get_running_loop().create_task(made.run())
            made.watch(is_watched=True)
            await until(lambda: server.count(FramebufferUpdateRequest) == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(scenario)
