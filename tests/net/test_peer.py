"""One socket and its connection, on 127.0.0.1."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux.errors import PeerTimeout
from pyrdpmux.net import peer as peer_module
from pyrdpmux.net import tcp
from pyrdpmux.net.peer import HIGH_WATER, LOW_WATER, MIN_HIGH_WATER, Peer
from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.connection.events import Activated, Disconnected, Event, GraphicsReceived, ShutdownRequested
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags
from tests.mux.rdp_client import eventually
from tests.net.lines import LineConnection, run, served
from tests.net.test_tcp import MOST_UNSENT
from tests.pair.linked import client_config, server_config

BYE = Disconnected("bye", by_peer=False)
EOF = Disconnected("eof", by_peer=True)


async def turns(count: int = 20) -> None:
    """Let everything run that can."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_bytes_go_to_the_connection_and_back() -> None:
    async def scenario() -> None:
        async with served() as host:
            await host.say(b"echo one", b"echo two")
            assert await host.reader.readline() == b"one\n"
            assert await host.reader.readline() == b"two\n"
            assert host.peer.peername.startswith("127.0.0.1:")
            assert not host.run.done()

    run(scenario)


def test_what_is_to_leave_by_itself_is_a_write_of_its_own_once_the_loop_has_turned() -> None:
    async def scenario() -> None:
        async with served() as host:
            loop, passed = asyncio.get_running_loop(), []

            def draw(event: Event) -> None:
                """The owner has something to say at once, and flushes."""
                passed.append(list(host.connection.writes))
                loop.call_soon(lambda: passed.append(list(host.connection.writes)))
                host.peer.flush()
                host.peer.flush()
                passed.append(list(host.connection.writes))

            host.on_event = draw
            await host.say(b"echo first", b"cut", b"echo second", b"cut", b"echo third", b"event")
            for line in (b"first\n", b"second\n", b"third\n"):
                assert await host.reader.readline() == line
            assert host.connection.writes == [b"first\n", b"second\n", b"third\n"]
            first = [b"first\n"]
            assert passed[:2] == [first, first], "nothing else as long as the loop has not turned"
            assert len(passed[2]) == 2, "and one write more each time that it has"

    run(scenario)


def test_an_end_takes_along_what_waits_for_the_loop() -> None:
    async def scenario() -> None:
        async with served() as host:
            await host.say(b"echo first", b"cut", b"echo second", b"cut", b"bye")
            assert await host.reader.read() == b"first\nsecond\nbye\n"
            host.writer.close()
            await host.run

    run(scenario)


def test_a_unix_socket_is_as_good(tmp_path: Path) -> None:
    """It has no TCP options to be set, and its address is a path."""

    async def scenario() -> None:
        peers: list[Peer] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peers.append(Peer(reader, writer, LineConnection(asyncio.get_running_loop().time())))
            await peers[0].run(lambda event: None)

        server = await asyncio.start_unix_server(serve, tmp_path / "socket")
        async with server:
            reader, writer = await asyncio.open_unix_connection(tmp_path / "socket")
            writer.write(b"echo here\nbye\n")
            assert await reader.read() == b"here\nbye\n"
            writer.close()
            await writer.wait_closed()
        assert [type(peer.peername) for peer in peers] == [str]

    run(scenario)


def test_half_close_is_the_end_but_answers_still_arrive() -> None:
    async def scenario() -> None:
        async with served() as host:
            await host.say(b"echo last", b"event")
            host.writer.write_eof()
            assert await host.reader.read() == b"last\neof\n"
            await host.run
            assert host.events == [ShutdownRequested(), EOF]

    run(scenario)


def test_a_connection_that_breaks_is_an_end_of_file() -> None:
    async def scenario() -> None:
        async with served() as host:
            await host.say(b"echo here")
            assert await host.reader.readline() == b"here\n"
            host.writer.transport.abort()
            await host.run
            assert host.events == [EOF]

    run(scenario)


def test_the_last_words_arrive() -> None:
    async def scenario() -> None:
        async with served() as host:
            await host.say(b"bye", b"echo too late")
            assert await host.reader.read() == b"bye\n"
            host.writer.close()
            await host.run
            assert host.events == [BYE]

    run(scenario)


def test_the_last_words_arrive_with_input_unread() -> None:
    """Closing a socket with unread input makes the kernel send RST, which discards what we said."""

    async def scenario() -> None:
        async with served() as host:
            size = 3 * 1024 * 1024
            host.writer.write(b"flood %d\nbye\n" % size + b"x" * (2 * 1024 * 1024))
            data = await host.reader.read(-1)
            assert len(data) == size + len(b"bye\n")
            host.writer.close()
            await host.run
            assert host.events == [BYE]

    run(scenario)


def test_many_last_words_arrive_whole() -> None:
    async def scenario() -> None:
        async with served() as host:
            size = 3 * 1024 * 1024
            await host.say(b"flood %d" % size, b"bye")
            data = await host.reader.read(-1)
            assert len(data) == size + len(b"bye\n")
            host.writer.close()
            await host.run

    run(scenario)


def test_a_peer_that_never_closes_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_module, "LINGER", 0.05)

    async def scenario() -> None:
        async with served() as host:
            await host.say(b"flood 30000000", b"bye")
            await host.run  # the test neither reads nor closes
            assert host.peer.unsent_bytes == 0
            assert host.events == [BYE]

    run(scenario)


def test_the_owner_may_end_it_even_before_it_runs() -> None:
    async def scenario() -> None:
        async with served() as host:
            connection = host.connection
            connection._enter(connection.end("enough", by_peer=False))
            host.peer.flush()
            assert await host.reader.read() == b""
            host.writer.close()
            await host.run
            assert host.events == [Disconnected("enough", by_peer=False)]

    run(scenario)


def test_a_slow_reader_is_waited_for() -> None:
    async def scenario() -> None:
        async with served() as host:
            total, worst = 0, 0
            batches, batch = 300, 100_000

            async def produce() -> None:
                nonlocal total, worst
                for _ in range(batches):
                    await host.peer.drained()
                    host.connection.send_frame(bytes(batch), None)
                    host.peer.flush()
                    total += batch
                    worst = max(worst, host.peer.unsent_bytes)

            producer = asyncio.get_running_loop().create_task(produce())
            before = -1
            while total != before:
                before = total
                await turns(200)
            assert not producer.done()
            assert host.peer.unsent_bytes > LOW_WATER
            received = 0
            while received < batches * batch:
                received += len(await host.reader.read(1 << 20))
            await producer
            assert total == received
            assert worst <= HIGH_WATER + batch + MOST_UNSENT

    run(scenario)


def test_the_kernel_is_not_asked_for_what_it_cannot_have(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        asked = []
        outstanding = tcp.outstanding

        def counted(raw: socket.socket) -> tuple[int, int]:
            asked.append(outstanding(raw))
            return asked[-1]

        monkeypatch.setattr(tcp, "outstanding", counted)
        async with served() as host:
            for _ in range(3):
                assert host.peer.outstanding_bytes == (0, 0)
            assert not asked, "nothing was written yet"
            host.connection.send_frame(bytes(3000), None)
            host.peer.flush()
            await host.reader.readexactly(3000)
            await eventually(lambda: host.peer.outstanding_bytes == (0, 0))
            found = len(asked)
            assert found >= 1
            for _ in range(3):
                assert host.peer.outstanding_bytes == (0, 0)
            assert len(asked) == found, "it has had none since"

    run(scenario)


def test_what_waits_and_what_is_under_way_are_told_apart() -> None:
    async def scenario() -> None:
        async with served() as host:
            assert (host.peer.unsent_bytes, host.peer.in_flight_bytes) == (0, 0)
            host.connection.send_frame(bytes(20_000_000), None)
            host.peer.flush()
            await turns()
            waiting = host.peer.unsent_bytes
            assert waiting > host.peer.buffered_bytes > 0, "in the kernel, too"
            received = 0
            while received < 20_000_000:
                received += len(await host.reader.read(1 << 20))
            assert host.peer.unsent_bytes == 0
            assert host.peer.round_trip is not None
            host.peer.abort()
            await asyncio.wait([host.run])
            assert (host.peer.unsent_bytes, host.peer.in_flight_bytes) == (0, 0)
            assert host.peer.round_trip is None

    run(scenario)


@pytest.mark.parametrize(
    ("bits_per_second", "most"),
    [(1e5, MIN_HIGH_WATER), (5e6, 31_250), (1e9, HIGH_WATER), (0, MIN_HIGH_WATER)],
)
def test_buffers_are_of_the_size_of_the_link(bits_per_second: float, most: int) -> None:
    async def scenario() -> None:
        async with served() as host:
            host.peer.size_buffers(bits_per_second)
            assert host.peer._writer.transport.get_write_buffer_limits() == (most // 4, most)
            host.connection.send_frame(bytes(8_000_000), None)
            host.peer.flush()
            waits = asyncio.get_running_loop().create_task(host.peer.drained())
            await turns()
            assert not waits.done()
            while not waits.done():
                await host.reader.read(1 << 16)
            assert host.peer.buffered_bytes <= most // 4
            host.peer.abort()
            host.peer.size_buffers(1e6)

    run(scenario)


def test_drained_says_when_the_socket_is_gone() -> None:
    async def scenario() -> None:
        async with served() as host:
            host.peer.abort()
            await asyncio.wait([host.run])
            with pytest.raises(ConnectionError):
                await host.peer.drained()

    run(scenario)


def test_a_reader_that_makes_us_answer_but_never_reads_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_module, "MAX_UNSENT", 8 * 1024 * 1024)

    async def scenario() -> None:
        async with served() as host:
            host.writer.write(b"flood 1000000\n" * 40)
            await host.run
            assert host.peer.unsent_bytes == 0
            assert host.peer._writer.is_closing()

    run(scenario)


def test_a_deadline_fires() -> None:
    async def scenario() -> None:
        async with served(patience=0.05) as host:
            assert await host.reader.read() == b""
            host.writer.close()
            await host.run
            [ended] = host.events
            assert isinstance(ended, Disconnected)
            assert isinstance(ended.error, PeerTimeout)

    run(scenario)


def test_a_deadline_that_moves_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Later ones cost no new timer each; sooner ones are not slept through."""

    async def scenario() -> None:
        async with served() as host:
            loop, connection, peer = asyncio.get_running_loop(), host.connection, host.peer
            told: list[float] = []
            made: list[float] = []
            call_at = loop.call_at

            def counting(when: float, callback: Any, *arguments: Any, **options: Any) -> asyncio.TimerHandle:
                if callback == peer._expire:
                    made.append(when)
                return call_at(when, callback, *arguments, **options)

            monkeypatch.setattr(connection, "handle_timeout", told.append)
            monkeypatch.setattr(loop, "call_at", counting)
            start = loop.time()
            deadline = start + 0.1
            monkeypatch.setattr(connection, "next_deadline", lambda: deadline)
            peer.flush()
            for _ in range(20):
                deadline += 0.01
                peer.flush()
            assert made == [start + 0.1]
            await asyncio.sleep(0.15)
            assert made == [start + 0.1, deadline], "too early, so there is another one"
            deadline = loop.time()
            peer.flush()
            await turns()
            assert told[-1] < start + 0.25
            deadline = loop.time() + 60
            peer.flush()
            await turns()
            assert made[-1] == deadline

    run(scenario)


def test_cancel_closes_the_socket() -> None:
    async def scenario() -> None:
        async with served() as host:
            await host.say(b"echo hello")
            assert await host.reader.readline() == b"hello\n"
            host.run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await host.run
            assert await host.reader.read() == b""

    run(scenario)


class Trouble(Exception):
    """The owner's."""


@pytest.mark.parametrize("patience", [None, 0.05])
def test_what_the_owner_raises_is_raised_by_run(patience: float | None) -> None:
    """From reading and from the timer alike; neither is lost, neither leaves the socket open."""

    async def scenario() -> None:
        async with served(patience) as host:

            def on_event(event: Event) -> None:
                raise Trouble(event)

            host.on_event = on_event
            if patience is None:
                await host.say(b"event")
            await asyncio.wait([host.run])
            assert isinstance(host.run.exception(), Trouble)
            assert host.peer._writer.is_closing()

    run(scenario)


def test_an_owner_that_fails_does_not_wait_for_a_reader_that_stands_still() -> None:
    async def scenario() -> None:
        async with served() as host:

            def on_event(event: Event) -> None:
                raise Trouble(event)

            host.on_event = on_event
            await host.say(b"flood 1000000\n" * 20 + b"event")
            async with asyncio.timeout(5):
                await asyncio.wait([host.run])
            assert isinstance(host.run.exception(), Trouble)
            assert host.peer.unsent_bytes == 0

    run(scenario)


def test_events_keep_their_order_whatever_the_owner_does() -> None:
    """An owner that ends the connection at the first of three events hears of the end last."""

    async def scenario() -> None:
        async with served() as host:

            def on_event(event: Event) -> None:
                host.events.append(event)
                if len(host.events) == 1:
                    connection = host.connection
                    connection._enter(connection.end("enough", by_peer=False))
                    host.peer.flush()
                    assert host.events == [ShutdownRequested()]

            host.on_event = on_event
            await host.say(b"event", b"event", b"event")
            host.writer.write_eof()
            await host.run
            assert host.events == [ShutdownRequested()] * 3 + [Disconnected("enough", by_peer=False)]

    run(scenario)


def test_a_whole_rdp_connection() -> None:
    """Server and client, each behind a Peer: TLS, to Active, a bitmap, an orderly end."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        server_events: list[Event] = []
        client_events: list[Event] = []
        sockets: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        accepted = asyncio.Event()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            sockets.append((reader, writer))
            accepted.set()

        listener = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        client_reader, client_writer = await asyncio.open_connection("127.0.0.1", port)
        await accepted.wait()
        [(server_reader, server_writer)] = sockets
        server = ServerConnection(server_config(), loop.time())
        client = ClientConnection(client_config(), loop.time())
        server_peer = Peer(server_reader, server_writer, server)
        client_peer = Peer(client_reader, client_writer, client)

        def on_server(event: Event) -> None:
            server_events.append(event)
            if isinstance(event, Activated):
                server.send_bitmaps([BitmapData(0, 0, 9, 9, 10, 10, 32, BitmapFlags(0), bytes(400))])
                server_peer.flush()

        def on_client(event: Event) -> None:
            client_events.append(event)
            if isinstance(event, GraphicsReceived):
                server.disconnect(ErrorInfo.LOGOFF_BY_USER, "seen", loop.time())
                server_peer.flush()

        await asyncio.gather(server_peer.run(on_server), client_peer.run(on_client))
        listener.close()
        assert server_events[-1] == Disconnected("seen", by_peer=False)
        assert client_events[-1] == Disconnected("closed by the peer: PROVIDER_INITIATED", by_peer=True)

    run(scenario)
