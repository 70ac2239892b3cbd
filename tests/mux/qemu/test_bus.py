"""The main connection: to QEMU itself, and over a real bus daemon."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.qemu import bus
from pyrdpmux.mux.qemu.bus import CallFailed, Connection, call_daemon, connect_bus
from pyrdpmux.mux.qemu.message import Header, Message, MessageKind, method_call, method_return
from pyrdpmux.mux.qemu.sockets import make_pair
from tests.mux.qemu.bus_daemon import bus_daemon
from tests.mux.qemu.fake_qemu import Peer
from tests.mux.support.fake_host import until


class Echo:
    """Answers every call with its own body, and "Fail" with an error."""

    def __init__(self, end: socket.socket) -> None:
        self.descriptors: list[int] = []
        self.is_silent = False
        self.peer = Peer(end, self._handle)

    def _handle(self, message: Message, descriptors: list[int]) -> None:
        self.descriptors += descriptors
        if message.kind != MessageKind.METHOD_CALL or self.is_silent or not message.wants_reply:
            return
        if message.header.member == "Fail":
            header = Header(error_name="a.B", reply_serial=message.serial, signature="s")
            answer = Message(MessageKind.ERROR, self.peer.next_serial(), header, ("no",))
        else:
            signature = message.header.signature
            answer = method_return(self.peer.next_serial(), message.serial, signature, *message.body)
        self.peer.send(answer)


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Echo, Connection]]:
    ours, theirs = make_pair()
    echo = Echo(theirs)
    connection = Connection(ours)
    yield echo, connection
    connection.close()
    echo.peer.close()


def test_calls() -> None:
    async def scenario() -> None:
        async with connected() as (echo, connection):
            results = await asyncio.gather(
                connection.call("/", "a.B", "One", "us", 5, "x"), connection.call("/", "a.B", "Two")
            )
            assert list(results) == [(5, "x"), ()]
            with pytest.raises(CallFailed) as caught:
                await connection.call("/", "a.B", "Fail")
            assert (caught.value.name, caught.value.text) == ("a.B", "no")
            ours, theirs = socket.socketpair()
            assert await connection.call("/", "a.B", "Take", "h", 0, descriptor=theirs.fileno()) == (0,)
            with socket.socket(fileno=echo.descriptors[0]) as arrived:
                arrived.sendall(b"x")
                assert ours.recv(1) == b"x"
            ours.close()
            theirs.close()

    asyncio.run(scenario())


def test_posts() -> None:
    async def scenario() -> None:
        async with connected() as (echo, connection):
            answers: list[CallFailed | None] = []
            assert connection.post("/", "a.B", "Quiet", "u", 1)
            assert connection.post("/", "a.B", "Loud", "u", 2, reply=answers.append)
            assert connection.post("/", "a.B", "Fail", "", reply=answers.append)
            await until(lambda: len(answers) == 2)
            assert answers[0] is None
            assert answers[1] is not None
            assert [message.wants_reply for message in echo.peer.messages] == [False, True, True]

    asyncio.run(scenario())


def test_calls_without_an_answer_are_bounded() -> None:
    async def scenario() -> None:
        async with connected() as (echo, connection):
            echo.is_silent = True
            answers: list[CallFailed | None] = []
            for _ in range(bus.MAX_PENDING):
                assert connection.post("/", "a.B", "Loud", "", reply=answers.append)
            assert not connection.post("/", "a.B", "Loud", "", reply=answers.append)
            with pytest.raises(BackendError, match=f"{bus.MAX_PENDING} calls without an answer"):
                await connection.call("/", "a.B", "One")
            assert connection.post("/", "a.B", "Quiet", ""), "nobody waits for an answer to this"
            assert answers == []

    asyncio.run(scenario())


def test_signals_and_questions() -> None:
    async def scenario() -> None:
        async with connected() as (echo, connection):
            signals: list[Message] = []
            connection.on_signal = signals.append
            await connection.call("/", "a.B", "One")
            echo.peer.messages.clear()
            header = Header(path="/x", interface="a.B", member="C", signature="s")
            echo.peer.send(Message(MessageKind.SIGNAL, 1, header, ("hello",), 1))
            echo.peer.send(method_call(2, "/", "org.freedesktop.DBus.Peer", "Ping"))
            echo.peer.send(method_call(3, "/", "a.B", "What"))
            await until(lambda: len(echo.peer.messages) == 2)
            assert signals[0].body == ("hello",)
            kinds = [(message.kind, message.header.reply_serial) for message in echo.peer.messages]
            assert kinds == [(MessageKind.METHOD_RETURN, 2), (MessageKind.ERROR, 3)]

    asyncio.run(scenario())


def test_the_end() -> None:
    async def scenario() -> None:
        async with connected() as (echo, connection):
            reasons: list[str] = []
            connection.on_lost = reasons.append
            echo.is_silent = True
            call = asyncio.gather(connection.call("/", "a.B", "One"), return_exceptions=True)
            await until(lambda: bool(echo.peer.messages))
            echo.peer.close()
            [error] = await call
            assert isinstance(error, BackendError)
            await until(lambda: bool(reasons))
            assert not connection.post("/", "a.B", "One", "")
            with pytest.raises(BackendError):
                await connection.call("/", "a.B", "One")
            with pytest.raises(BackendError):
                await connection.call("/", "a.B", "One", "h", 0, descriptor=0)
            assert len(reasons) == 1

    asyncio.run(scenario())


def test_an_answer_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "CALL_SECONDS", 0.02)

    async def scenario() -> None:
        async with connected() as (echo, connection):
            echo.is_silent = True
            with pytest.raises(BackendError, match="no answer"):
                await connection.call("/", "a.B", "One")

    asyncio.run(scenario())


def test_what_is_not_read_is_bounded() -> None:
    """A QEMU that stands still costs a megabyte and not more; afterwards everything works again."""

    async def scenario() -> None:
        async with connected() as (echo, connection):
            loop = asyncio.get_running_loop()
            loop.remove_reader(echo.peer._socket)
            sent = 0
            while connection.post("/", "a.B", "Press", "ay", bytes(1000)):
                sent += 1
                assert sent < 10_000
            loop.add_reader(echo.peer._socket, echo.peer._readable)
            await until(lambda: len(echo.peer.messages) == sent)
            assert connection.post("/", "a.B", "Press", "u", 1)

    asyncio.run(scenario())


@pytest.mark.parametrize("data", [b"NO\r\n", b"OK x\r\nNO\r\n", b"OK x\r\nAGREE_UNIX_FD\r\n" + bytes(64)])
def test_nonsense_ends_the_connection(data: bytes) -> None:
    async def scenario() -> None:
        ours, theirs = make_pair()
        connection = Connection(ours)
        reasons: list[str] = []
        connection.on_lost = reasons.append
        theirs.sendall(data)
        await until(lambda: bool(reasons))
        assert connection.is_closed
        theirs.close()

    asyncio.run(scenario())


# -- a bus -------------------------------------------------------------------------------------------


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    if shutil.which("dbus-daemon") is None:
        pytest.skip("needs dbus-daemon")
    with bus_daemon(tmp_path) as address:
        yield address


def test_a_bus(address: str) -> None:
    async def scenario() -> None:
        connection = await connect_bus(f"tcp:host=x;unix:path=/nowhere;{address}")
        (names,) = await call_daemon(connection, "ListNames")
        assert "org.freedesktop.DBus" in names
        connection.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("wrong", ["unix:path=/nowhere/bus", "unix:abstract=pyrdpmux-none", "tcp:host=x", ""])
def test_no_bus(wrong: str) -> None:
    async def scenario() -> None:
        with pytest.raises(BackendError):
            await connect_bus(wrong)

    asyncio.run(scenario())
