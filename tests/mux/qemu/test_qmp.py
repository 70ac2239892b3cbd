"""The monitor's lines of JSON."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.qemu import qmp
from pyrdpmux.mux.qemu.qmp import CommandFailed, QmpClient
from tests.mux.qemu.fake_qemu import FakeQemu
from tests.mux.support.fake_host import until


@asynccontextmanager
async def monitor(tmp_path: Path) -> AsyncIterator[tuple[FakeQemu, QmpClient]]:
    qemu = FakeQemu(tmp_path / "qmp")
    try:
        client = await QmpClient.connect(str(qemu.path))
        yield qemu, client
        client.close()
    finally:
        qemu.close()


def test_commands_and_events(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with monitor(tmp_path) as (qemu, client):
            events: list[tuple[str, dict[str, Any]]] = []
            client.on_event = lambda name, data: events.append((name, data))
            assert client.version == "7.2.22"
            answers = await asyncio.gather(client.execute("query-status"), client.execute("query-uuid"))
            assert answers[0] == {"status": "running", "running": True}
            assert answers[1]["UUID"]
            with pytest.raises(CommandFailed, match="no command dance"):
                await client.execute("dance")
            qemu.event("RESET", guest=True)
            qemu._say({"event": "STOP"})
            await until(lambda: len(events) == 2)
            assert events == [("RESET", {"guest": True}), ("STOP", {})]
            assert qemu.commands == ["qmp_capabilities", "query-status", "query-uuid", "dance"]

    asyncio.run(scenario())


def test_a_descriptor_goes_with_its_command(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with monitor(tmp_path) as (qemu, client):
            ours, theirs = socket.socketpair()
            await client.execute("getfd", descriptor=theirs.fileno(), fdname="x")
            with socket.socket(fileno=qemu._descriptor) as arrived:
                qemu._descriptor = -1
                arrived.sendall(b"hello")
                assert ours.recv(5) == b"hello"
            ours.close()
            theirs.close()

    asyncio.run(scenario())


def test_the_end_is_told_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with monitor(tmp_path) as (qemu, client):
            reasons: list[str] = []
            client.on_lost = reasons.append
            answer = asyncio.ensure_future(client.execute("query-status"))
            await asyncio.sleep(0)
            qemu._hang_up()
            with pytest.raises(BackendError):
                await answer
            await until(lambda: bool(reasons))
            assert client.is_closed
            with pytest.raises(BackendError):
                await client.execute("query-status")
            assert len(reasons) == 1

    asyncio.run(scenario())


def test_a_monitor_in_use_does_not_greet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qmp, "GREETING_SECONDS", 0.05)

    async def scenario() -> None:
        async with monitor(tmp_path) as (qemu, _):
            with pytest.raises(BackendError, match="another program"):
                await QmpClient.connect(str(qemu.path))

    asyncio.run(scenario())


def test_nobody_there(tmp_path: Path) -> None:
    async def scenario(path: str) -> None:
        with pytest.raises(BackendError, match=r"such file|too long"):
            await QmpClient.connect(path)

    asyncio.run(scenario(str(tmp_path / "none")))
    asyncio.run(scenario("/" + "x" * 200))


@pytest.mark.parametrize("line", [b"hello\n", b"[1]\n", b"[" * 5000 + b"\n", b"x" * (qmp.MAX_LINE + 1)])
def test_something_else_at_the_socket(tmp_path: Path, line: bytes) -> None:
    async def scenario() -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(tmp_path / "socket"))
            server.listen(1)
            server.setblocking(False)
            loop = asyncio.get_running_loop()

            async def talk() -> None:
                connection, _ = await loop.sock_accept(server)
                with connection, contextlib.suppress(ConnectionError):
                    await loop.sock_sendall(connection, line)

            connecting = QmpClient.connect(str(tmp_path / "socket"))
            result, _ = await asyncio.gather(connecting, talk(), return_exceptions=True)
            assert isinstance(result, BackendError)

    asyncio.run(scenario())


def test_answers_that_nobody_asked_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with monitor(tmp_path) as (qemu, client):
            answers: list[dict[str, Any]] = [
                {"return": {}, "id": 99},
                {},
                {"error": {}, "id": "x"},
                {"id": [1]},
            ]
            for answer in answers:
                qemu._say(answer)
            assert await client.execute("query-status")

    asyncio.run(scenario())
