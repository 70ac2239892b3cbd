"""VNC servers that want our time: what the loop and other servers' threads have to bear of it.

How a thread cuts its work is in test_decoding and test_turns, what is refused in tests/rfb/test_bounds.py.
"""

import asyncio
import time
from pathlib import Path

import pytest

from pyrdpmux.mux.backend import VmStatus
from pyrdpmux.mux.vnc.turns import DECODERS, SLOTS
from pyrdpmux.rfb.encodings import Encoding
from pyrdpmux.rfb.pixel_format import BGRX
from pyrdpmux.rfb.server_messages import ServerInit
from pyrdpmux.wire import encode
from tests.mux.serving import run
from tests.mux.support.fake_host import until
from tests.mux.vnc.fake_server import vnc_server
from tests.mux.vnc.test_backend import PICTURE, asked, backend_of, raw_update, running, shows
from tests.rfb.encoders import pixel, rectangle, u32, update


def copy_down(width: int, height: int, by: int) -> bytes:
    return rectangle(Encoding.COPY_RECT, bytes(4), 0, by, width, height)


def test_the_loop_does_none_of_the_painting(tmp_path: Path) -> None:
    """8000x3999, three times over, is a hundred milliseconds of copying; the loop's thread has none of it."""

    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc", size=(8000, 3999)) as server, running(backend) as vm:
            await asked(server)
            turns = 0
            before = time.thread_time()
            server.send(update(*[copy_down(8000, 3990, 9)] * 3))
            connection = backend._connection
            assert connection is not None
            assert connection._thread is not None
            thread = connection._thread
            while vm.screen.surface.version == 0 or thread.turns.worked < 0.01:
                await asyncio.sleep(0.001)
                turns += 1
            assert turns > 1
            assert time.thread_time() - before < thread.turns.worked
            assert vm.loop_share.worked == 0

    run(scenario)


def test_a_server_waits_for_its_place_and_the_others_do_not_wait_for_it(tmp_path: Path) -> None:
    """All places but one are taken; what goes on in that one serves everybody who comes."""

    async def scenario() -> None:
        for _ in range(SLOTS - 1):
            DECODERS.enter()
        try:
            flooded, quiet = backend_of(tmp_path / "flooded"), backend_of(tmp_path / "quiet")
            async with (
                vnc_server(tmp_path / "flooded", size=(2000, 2000)) as flood,
                vnc_server(tmp_path / "quiet") as server,
                running(flooded) as busy,
                running(quiet) as vm,
            ):
                await asked(flood)
                await asked(server)
                flood.send(update(*[copy_down(2000, 1999, 1)] * 3) * 2000)
                await until(lambda: busy.screen.surface.version > 0)
                server.send(raw_update(PICTURE))
                await until(lambda: shows(vm, PICTURE))
                assert flood.is_talking
                assert backend_is_at_work(flooded)
        finally:
            for _ in range(SLOTS - 1):
                DECODERS.leave()

    def backend_is_at_work(backend: object) -> bool:
        connection = backend._connection  # type: ignore[attr-defined]
        return connection is not None and connection._client.is_connected

    run(scenario)


def test_the_news_of_a_flood_of_updates_come_in_a_few_deliveries(tmp_path: Path) -> None:
    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc") as server, running(backend) as vm:
            await asked(server)
            told: list[int] = []
            vm.set_leds = told.append  # type: ignore[method-assign, assignment]
            floods = [update(rectangle(Encoding.QEMU_LED_STATE, bytes([n & 7]))) for n in range(2000)]
            began = time.monotonic()
            server.send(b"".join(floods) + raw_update(PICTURE))
            await until(lambda: shows(vm, PICTURE))
            await until(lambda: told[-1:] == [1999 & 7])
            assert len(told) <= 2 + (time.monotonic() - began) / 0.004

    run(scenario)


def test_fences_that_nobody_reads_the_answers_of(tmp_path: Path) -> None:
    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc") as server, running(backend) as vm:
            await asked(server)
            server.stop_reading()
            fence = bytes.fromhex("f8 000000 80000001 40") + bytes(64)
            server.send(fence * 30_000)
            complaint = "the VNC server does not read what it is sent"
            await until(lambda: (VmStatus.LOST, complaint) in vm.statuses, 20)

    run(scenario)


def test_boxes_without_end_are_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc", size=(640, 480)) as server, running(backend) as vm:
            await asked(server)
            box = pixel(1) + bytes.fromhex("0000 0000 0280 01e0")
            server.send(update(rectangle(Encoding.RRE, u32(50) + pixel(0) + box * 50, width=640, height=480)))
            await until(lambda: any("RRE.subrectangles" in text for _, text in vm.statuses))

    run(scenario)


def test_why_a_server_refuses_is_read_although_it_has_hung_up(tmp_path: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"RFB 003.008\n\0" + u32(7) + b"go away")
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_unix_server(refuse, tmp_path / "vnc")
        async with server, running(backend_of(tmp_path / "vnc")) as vm:
            await until(lambda: vm.statuses[-1][0] == VmStatus.LOST)
            assert "go away" in vm.statuses[-1][1]

    run(scenario)


def test_a_name_without_end_is_no_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyrdpmux.mux.vnc.session.HANDSHAKE_SECONDS", 0.2)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"RFB 003.008\n\1\1" + bytes(4) + encode(ServerInit(64, 48, BGRX, 0xFFFFFFFF)))
        try:
            while True:
                writer.write(bytes(1 << 20))
                await writer.drain()
        except OSError:
            writer.close()

    async def scenario() -> None:
        server = await asyncio.start_unix_server(talk, tmp_path / "vnc")
        async with server, running(backend_of(tmp_path / "vnc")) as vm:
            await until(lambda: vm.statuses[-1] == (VmStatus.LOST, "RFB handshake: no progress within 0.2 s"))

    run(scenario)


def test_a_server_that_lets_us_in_and_hangs_up_is_not_stormed(tmp_path: Path) -> None:
    """A connection that did not last is no reason to come back soon."""

    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        backend._longest_pause = 60.0
        async with vnc_server(tmp_path / "vnc") as server, running(backend):
            for number in range(1, 4):
                await until(lambda number=number: server.connections == number and server.is_talking)  # type: ignore[misc]
                server.hang_up()
            await until(lambda: backend._pause >= 0.08)

    run(scenario)
