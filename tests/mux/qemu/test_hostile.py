"""QEMUs that want our time, memory or descriptors: counted in steps, pixels, bytes and files."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyrdpmux.errors import BackendError
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.picture.pixel_format import PixelFormat
from pyrdpmux.mux.qemu import console, listener, machine, picture, transport
from pyrdpmux.mux.qemu.bus import MAX_BODY, Connection
from pyrdpmux.mux.qemu.listener import MESSAGES_PER_SECOND, RESERVE, Listener
from pyrdpmux.mux.qemu.message import Header, Message, MessageKind
from pyrdpmux.mux.qemu.picture import MAX_ROWS_READ, Picture, PixelBudget
from pyrdpmux.mux.qemu.qmp import MAX_LINE, QmpClient
from pyrdpmux.mux.qemu.sockets import make_pair
from pyrdpmux.mux.qemu.transport import SocketTransport
from pyrdpmux.mux.resting import REST_FACTOR, work
from pyrdpmux.net.fair import SLICE_SECONDS, FairSchedule, Kind
from tests.mux.qemu.fake_qemu import X8R8G8B8, FakeListener, FakeQemu
from tests.mux.qemu.test_backend import CONSOLE, backend, is_plain, plane, shown
from tests.mux.serving import run
from tests.mux.support.fake_host import until
from tests.mux.support.step_clock import STEP, StepClock, watch


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(machine, "LONGEST_WAIT", 0.02)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def listeners() -> int:
    return sum(thread.name == "QEMU listener" for thread in threading.enumerate())


# -- time --------------------------------------------------------------------------------------------


def test_a_huge_picture_takes_nothing_of_the_loop(tmp_path: Path) -> None:
    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp")
        async with backend({"web": str(qemu.path)}) as host:
            vm = await shown(host, qemu, "web")
            screen, _ = watch(vm, StepClock())
            qemu.listeners[CONSOLE].scanout(plane(4096, 4096, 9))
            await until(lambda: is_plain(vm, 4096, 4096, 9), 20)
            assert screen.steps == []
            assert vm.loop_share.worked < 10 * STEP, "however large: the clock of the test goes on by itself"
        qemu.close()

    run(scenario)


def test_the_rest_is_three_times_the_work() -> None:
    """Its own work: what others do in the same share meanwhile, and the wait for a turn, count nothing."""

    async def scenario() -> None:
        clock = StepClock(0.0)
        schedule = FairSchedule(clock)
        share = schedule.share(Kind.GUEST, "vm")

        def steps(count: int) -> Iterator[None]:
            for _ in range(count):
                clock.now += SLICE_SECONDS
                yield

        rests = await asyncio.gather(work(share, steps(5), clock), work(share, steps(50), clock))
        assert list(rests) == [
            pytest.approx(REST_FACTOR * 5 * SLICE_SECONDS),
            pytest.approx(REST_FACTOR * 50 * SLICE_SECONDS),
        ]

    run(scenario)


def test_many_updates_are_one_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "PAINT_INTERVAL", 0.3)

    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp")
        async with backend({"web": str(qemu.path)}) as host:
            vm = await shown(host, qemu, "web")
            shows = qemu.listeners[CONSOLE]
            shows.scanout(plane(64, 64, 1))
            await until(lambda: is_plain(vm, 64, 64, 1))
            surface, version = vm.screen.surface, vm.screen.surface.version
            for value in range(2, 50):
                shows.update(0, 0, plane(64, 64, value))
            answers = len(shows.answers())
            shows.call("Ping", "", flags=0)
            await until(lambda: len(shows.answers()) > answers)
            assert surface.version == version, "taken off the wire, and not told yet"
            await until(lambda: surface.version > version)
            assert is_plain(vm, 64, 64, 49)
            assert surface.version == version + 1
            assert vm.screen.surface is surface, "the very pixels that the listener writes"
        qemu.close()

    run(scenario)


def test_the_loop_never_waits_for_pixels_to_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread stands still in the middle of a picture; size and news can be had all the same."""
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()
    plain = PixelFormat.put_bgrx

    def slow(*arguments: Any) -> Any:
        begun.set()
        assert go_on.wait(10)
        return plain(*arguments)

    monkeypatch.setattr(PixelFormat, "put_bgrx", slow)
    console_picture = Picture(lambda: None)
    pixels = memoryview(bytes([7]) * (64 * 64 * 4))
    writer = threading.Thread(target=lambda: console_picture.scanout(64, 64, 256, X8R8G8B8, pixels))
    writer.start()
    assert begun.wait(10)

    def of_the_loop() -> None:
        console_picture.set_size(800, 600)
        console_picture.take()
        done.set()

    threading.Thread(target=of_the_loop, daemon=True).start()
    try:
        assert done.wait(5)
    finally:
        go_on.set()
        writer.join()


def test_messages_are_handled_in_turns_and_no_more_are_read_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def long_rest(share: Any, steps: Any) -> float:
        await work(share, steps)
        return 1000.0

    async def scenario() -> None:
        clock = StepClock()
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        handled = 0

        def received(data: bytes) -> Iterator[None]:
            nonlocal handled
            for _ in data:
                handled += 1
                yield

        link = SocketTransport(ours, received, lambda reason: None)
        link.share = FairSchedule(clock).share(Kind.GUEST, "vm")
        monkeypatch.setattr(transport, "work", long_rest)
        sent = 0
        seen = [0]
        for _ in range(5000):
            with contextlib.suppress(BlockingIOError):
                sent += theirs.send(bytes(4096))
            await asyncio.sleep(0)
            seen.append(handled)
        assert 0 < handled <= transport.READ_SIZE
        assert max(np.diff(seen)) <= 21, "a turn of twenty steps"
        assert sent <= handled + 1_000_000, "what is not read stays with the kernel, which has little room"
        link.close()
        theirs.close()

    run(scenario)


def test_a_listener_that_chatters_is_read_at_a_certain_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    now = 100.0

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    monkeypatch.setattr("pyrdpmux.mux.qemu.listener.time.monotonic", lambda: now)
    monkeypatch.setattr("pyrdpmux.mux.qemu.listener.time.sleep", sleep)
    monkeypatch.setattr(Listener, "_run", lambda self: None)
    ours, theirs = make_pair()
    chatter = Listener(ours, Picture(lambda: None), lambda reason: None)
    for _ in range(RESERVE):
        chatter._wait_for_credit()
    assert not slept
    for _ in range(2 * MESSAGES_PER_SECOND):
        chatter._wait_for_credit()
    assert sum(slept) == pytest.approx(2.0)
    ours.close()
    theirs.close()


# -- memory ------------------------------------------------------------------------------------------


def test_the_pictures_of_one_qemu_have_a_bound_together() -> None:
    budget = PixelBudget(100)
    first, second = Picture(lambda: None, budget), Picture(lambda: None, budget)
    pixels = memoryview(bytes(4 * 100))
    first.scanout(8, 8, 32, X8R8G8B8, pixels[: 4 * 64])
    second.scanout(6, 6, 24, X8R8G8B8, pixels[: 4 * 36])
    with pytest.raises(BackendError, match="106 pixels in all, at most 100"):
        second.update(Rect(0, 0, 1, 7), 4, X8R8G8B8, pixels[: 4 * 7])
    second.scanout(5, 5, 20, X8R8G8B8, pixels[: 4 * 25])
    second.close()
    first.scanout(10, 10, 40, X8R8G8B8, pixels)


def test_a_size_that_is_only_told_takes_no_memory() -> None:
    """It is black until pixels come."""
    told = Picture(lambda: None, PixelBudget(1 << 20))
    told.set_size(7680, 4320)
    assert told.is_fit
    snapshot = told.take()
    assert snapshot is not None
    assert told.size == (7680, 4320)
    assert snapshot.surface.pixels.size < 1 << 22
    assert not snapshot.is_enabled


def test_rows_that_are_far_longer_than_the_picture_are_read_a_few_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stride, height = 100_000, 1000
    memory = os.memfd_create("picture")
    os.ftruncate(memory, stride * height)
    sizes: list[int] = []
    read = picture._SharedMemory.read

    def noted(self: Any, rect: Rect) -> Any:
        sizes.append(rect.height * stride)
        return read(self, rect)

    monkeypatch.setattr(picture._SharedMemory, "read", noted)
    shared = Picture(lambda: None)
    shared.scanout_map(memory, 0, 4, height, stride, X8R8G8B8)
    assert sum(sizes) == stride * height
    assert max(sizes) <= MAX_ROWS_READ
    shared.close()


def test_memory_for_a_huge_message_is_given_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        ours, theirs = make_pair()
        console_picture = Picture(lambda: None)
        reader = Listener(ours, console_picture, lambda reason: None)
        fake = FakeListener(theirs)
        await until(lambda: fake.peer._lines == 3)
        await asyncio.to_thread(fake.scanout, plane(2048, 2048, 3))
        await until(lambda: console_picture.size == (2048, 2048))
        await until(lambda: len(reader._scratch) <= listener.KEPT_SCRATCH)
        fake.peer.close()
        await asyncio.to_thread(reader.close)

    run(scenario)


# -- descriptors and threads -------------------------------------------------------------------------


def test_a_console_that_is_told_several_times_is_one(tmp_path: Path) -> None:
    """Each was opened, and only the last of them closed when the QEMU went."""

    async def scenario() -> None:
        before = open_files(), listeners()
        qemu = FakeQemu(tmp_path / "qmp", consoles=(0,) * 8)
        async with backend({"web": str(qemu.path)}) as host:
            await shown(host, qemu, "web")
            await asyncio.sleep(0.05)
            assert listeners() == before[1] + 1
        qemu.close()
        await until(lambda: (open_files(), listeners()) <= before)

    run(scenario)


def test_descriptors_that_nobody_asked_for_are_closed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Announced or not, with messages that have no use for them, or for a picture that cannot be."""

    async def scenario() -> None:
        before = open_files()
        pipe = os.pipe()
        for attach in (_unannounced, _announced, _useless_map):
            ours, theirs = make_pair()
            ended: list[str] = []
            reader = Listener(ours, Picture(lambda: None), ended.append)
            fake = FakeListener(theirs)
            await until(lambda fake=fake: fake.peer._lines == 3)  # type: ignore[misc]
            for _ in range(100):
                try:
                    attach(fake, pipe[0])
                except OSError:
                    break
                await asyncio.sleep(0)
            assert open_files() <= before + 2 + 2 + 8
            fake.peer.close()
            await asyncio.to_thread(reader.close)
            assert ended
        for end in pipe:
            os.close(end)
        assert open_files() == before

    caplog.set_level(logging.WARNING)
    run(scenario)
    assert caplog.text.count("QEMU's shared memory") == 1, "a hundred of them"


def _unannounced(fake: FakeListener, descriptor: int) -> None:
    message = Message(
        MessageKind.METHOD_CALL, 1, Header(path="/", interface="a.B", member="Ping"), (), flags=1
    )
    fake.peer.send(message, descriptor)


def _announced(fake: FakeListener, descriptor: int) -> None:
    fake.call("Ping", "", descriptor=descriptor)


def _useless_map(fake: FakeListener, descriptor: int) -> None:
    fake.call("ScanoutMap", "huuuuu", 0, 0, 8, 8, 32, X8R8G8B8, descriptor=descriptor)


# -- nonsense ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        b"x" * (MAX_LINE + 1),
        b"[" * 50_000 + b"]\n"[:1] + b"\n",
        b"[]\n",
        b'{"QMP": ' + b"9" * 10_000 + b"}\n",
        b"\xff\n",
    ],
    ids=["endless", "deep", "no object", "a number", "no text"],
)
def test_a_monitor_that_talks_nonsense_ends(tmp_path: Path, line: bytes) -> None:
    async def scenario() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(line)
            await reader.read()
            writer.close()

        server = await asyncio.start_unix_server(talk, tmp_path / "qmp")
        async with server:
            with pytest.raises(BackendError):
                await QmpClient.connect(str(tmp_path / "qmp"))

    run(scenario)


@pytest.mark.parametrize(
    "message",
    [
        {"event": {"a": ["deep"]}, "data": {}},
        {"event": "STOP", "data": [1]},
        {"return": {}, "id": [1]},
        {"return": {}, "id": 10**300},
        {"error": {"desc": {"a": 1}}, "id": 1},
        {"error": None, "id": 1},
    ],
)
def test_messages_of_the_wrong_types_do_no_harm(tmp_path: Path, message: dict[str, Any]) -> None:
    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp")
        client = await QmpClient.connect(str(qemu.path))
        qemu._say(message)
        answer = await client.execute("query-status")
        assert answer["status"] == "running"
        client.close()
        qemu.close()

    run(scenario)


def test_a_message_that_is_too_long_for_properties_ends_the_connection() -> None:
    async def scenario() -> None:
        ours, theirs = make_pair()
        reasons: list[str] = []
        connection = Connection(ours)
        connection.on_lost = reasons.append
        fake = FakeListener(theirs)
        header = Header(path="/", interface="a.B", member="C", signature="ay")
        fake.peer.send(Message(MessageKind.SIGNAL, 1, header, (bytes(MAX_BODY + 1),), 1))
        await until(lambda: len(reasons) == 1)
        assert "body_length" in reasons[0]
        fake.peer.close()

    run(scenario)


def test_a_name_is_made_fit_to_be_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp", name="evil\x1b[2J\n" + 500 * "x")
        async with backend(sockets=[str(tmp_path)]) as host:
            await until(lambda: bool(host.vms))
            [name] = host.vms
            assert name.isprintable()
            assert len(name) <= 64
        qemu.close()

    run(scenario)


def test_a_flood_of_events_is_one_question(tmp_path: Path) -> None:
    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp")
        async with backend({"web": str(qemu.path)}) as host:
            await shown(host, qemu, "web")
            await until(lambda: qemu.commands.count("query-status") == 1)
            assert qemu.monitor is not None
            qemu.monitor.sendall(json.dumps({"event": "STOP"}).encode() + b"\n")
            qemu.monitor.sendall(b"".join([b'{"event": "STOP"}\n'] * 1000))
            await asyncio.sleep(0.1)
            assert 2 <= qemu.commands.count("query-status") <= 20
        qemu.close()

    run(scenario)
