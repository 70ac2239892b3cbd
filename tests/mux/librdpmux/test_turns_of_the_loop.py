"""Real guests at real sockets: how much happens between two looks of the loop at everything else."""

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pynng
import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.librdpmux.registration import Registration
from pyrdpmux.mux.librdpmux.server import LibrdpmuxServer
from pyrdpmux.mux.librdpmux.session import Session
from pyrdpmux.mux.librdpmux.shared_memory import Framebuffer
from pyrdpmux.mux.picture.pixel_format import Words
from pyrdpmux.net.fair import SLICE_SECONDS
from tests.mux.support.fake_host import FakeHost, until
from tests.mux.support.library import NanomsgLibrary, ZeroMqLibrary

UUID = "6b8b4567-327b-23c6-643c-986966334873"
WIDTH, HEIGHT = 8192, 1024
SWITCH = "94 01 ce20020888 cd2000 cd0400"
SMALL = "94 01 ce20020888 30 30"


class Ticks:
    """Counts the turns of the loop, and what happens in each."""

    def __init__(self) -> None:
        self.number = 0
        self.bytes: Counter[int] = Counter()
        self.messages: Counter[int] = Counter()

    async def count(self) -> None:
        while True:
            self.number += 1
            await asyncio.sleep(0)


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Ticks:
    """Each band and each handful of messages takes more than a slice; bytes are those the loop copies."""
    made = Ticks()
    put, receive = Framebuffer.put, Session.receive
    loop_thread = threading.get_ident()

    def slow_put(framebuffer: Framebuffer, rect: Rect, words: Words) -> None:
        if threading.get_ident() == loop_thread:
            made.bytes[made.number] += rect.pixels * 4
        time.sleep(SLICE_SECONDS)
        put(framebuffer, rect, words)

    def slow_receive(session: Session, messages: list[bytes], now: float) -> None:
        made.messages[made.number] += len(messages)
        time.sleep(SLICE_SECONDS)
        receive(session, messages, now)

    monkeypatch.setattr(Framebuffer, "put", slow_put)
    monkeypatch.setattr(Session, "receive", slow_receive)
    return made


def play(
    directory: Path,
    ticks: Ticks,
    scenario: Callable[[LibrdpmuxServer, FakeHost], Awaitable[None]],
) -> None:
    async def entered() -> None:
        server, host = LibrdpmuxServer(directory=directory, shared_memory=directory), FakeHost()
        counting = asyncio.create_task(ticks.count())
        async with asyncio.timeout(20):
            await server.start(host)
            try:
                await scenario(server, host)
            finally:
                counting.cancel()
                await server.stop()

    asyncio.run(entered())


def test_a_large_picture_takes_nothing_of_the_loop(tmp_path: Path, ticks: Ticks) -> None:
    (tmp_path / "5.rdpmux").write_bytes(b"\x07" * (WIDTH * HEIGHT * 4))

    async def scenario(server: LibrdpmuxServer, host: FakeHost) -> None:
        library = NanomsgLibrary(await server.register(Registration(vm_id=5, uid=os.getuid())))
        await library.send(SWITCH)
        screen = host.vms["vm-5"].screen
        await until(lambda: screen.width == WIDTH and bool(screen.pixels[-1].any()))
        assert sum(ticks.bytes.values()) == 0
        before = ticks.number
        await library.send("95 00 00 00 cd0100 10")
        await until(lambda: sum(ticks.bytes.values()) == 0x100 * 0x10 * 4)
        assert ticks.number > before, "what takes less time than a thread needs to begin is done by the loop"
        library.close()

    play(tmp_path, ticks, scenario)


@pytest.mark.parametrize("version", [1, 5])
def test_a_flood_of_messages_takes_many_turns(tmp_path: Path, ticks: Ticks, version: int) -> None:
    """Valid ones: each a single pixel, without waiting for an answer."""
    (tmp_path / "5.rdpmux").write_bytes(bytes(48 * 48 * 4))

    async def scenario(server: LibrdpmuxServer, host: FakeHost) -> None:
        uuid = UUID if version > 1 else ""
        endpoint = await server.register(Registration(vm_id=5, version=version, uuid=uuid, uid=os.getuid()))
        if version == 1:
            pair = pynng.Pair0(send_timeout=5000, send_buffer_size=1000)
            pair.dial(endpoint, block=False)
            await asyncio.to_thread(pair.send, bytes.fromhex(SMALL))
            await asyncio.to_thread(lambda: [pair.send(bytes.fromhex("950000000101")) for _ in range(300)])
            close = pair.close
        else:
            library = ZeroMqLibrary(endpoint, UUID)
            for _ in range(300):
                await library.send("95 01 00 00 01 01")
            close = library.close
        await until(lambda: sum(ticks.messages.values()) >= 300)
        assert max(ticks.messages.values()) <= 8
        close()

    play(tmp_path, ticks, scenario)
