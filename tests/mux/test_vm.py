import asyncio
import contextlib
import logging
from dataclasses import replace

import pytest

from pyrdpmux.mux.doorkeeper import Doorkeeper
from pyrdpmux.mux.reception import GOODBYE_SECONDS
from pyrdpmux.mux.vm import RegisteredVm
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags
from tests.mux.rdp_client import connected, eventually, same_colors
from tests.mux.recording_sink import RecordingSink
from tests.mux.serving import LIMITS, noise, run, served, show


def test_viewers_survive_the_restart_of_a_vm(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        async with served(doorkeeper) as console, connected(console.port) as client:
            before, after = RecordingSink(), RecordingSink()
            console.start("first", before, None)
            show(console, noise(320, 200))
            await client.until_shows(console.screen.pixels)
            console.lose("the VM has stopped")
            await client.until_shows(console.display.pixels)
            assert not same_colors(console.display.pixels, console.screen.pixels)
            client.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1E)])
            client.connection.request_refresh(0, 0, 0, 0)
            client.flush()
            client.bitmaps.clear()
            await client.until(lambda: bool(client.bitmaps))
            console.start("second", after, None)
            show(console, noise(320, 200, seed=1))
            await client.until_shows(console.screen.pixels)
            client.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1F)])
            client.flush()
            await eventually(lambda: after.told == ["1f down"])
            assert before.told == []

    run(scenario)


def test_a_lost_vm_is_lost_once(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        async with served(doorkeeper) as console:
            console.start("first", RecordingSink(), None)
            show(console, noise(64, 64))
            console.lose("one")
            picture = console.display.pixels.copy()
            console.lose("two")
            assert (console.display.pixels == picture).all()

    run(scenario)


def test_everybody_is_told_when_the_console_closes(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with served(doorkeeper) as console:
            async with connected(console.port) as one, connected(console.port) as two:
                await one.until(lambda: one.connection.is_active)
                await two.until(lambda: two.connection.is_active)
                start = loop.time()
                await console.close(ErrorInfo.RPC_INITIATED_DISCONNECT, "removed")
                assert loop.time() - start < GOODBYE_SECONDS / 2
                await one.until(lambda: one.is_closed)
                await two.until(lambda: two.is_closed)
                assert one.error_info == two.error_info == ErrorInfo.RPC_INITIATED_DISCONNECT
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", console.port)

    run(scenario)


def test_a_viewer_that_does_not_listen_is_cut_off_in_time(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with served(doorkeeper) as console, connected(console.port) as client:
            await client.until(lambda: client.connection.is_active)
            client.stop_reading()
            for seed in range(8):
                show(console, noise(640, 480, seed))
                await asyncio.sleep(0.02)
            start = loop.time()
            await console.close(ErrorInfo.RPC_INITIATED_DISCONNECT, "removed")
            assert loop.time() - start < 2.0
            assert console.viewers == []

    run(scenario)


def test_half_open_connections_are_bounded(doorkeeper: Doorkeeper, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with served(doorkeeper, replace(LIMITS, pending_per_address=3)) as console:
            silent = [await asyncio.open_connection("127.0.0.1", console.port) for _ in range(3)]
            await eventually(lambda: caplog.text.count("Connected") == 3)
            reader, writer = await asyncio.open_connection("127.0.0.1", console.port)
            with contextlib.suppress(ConnectionError):
                assert await reader.read(1) == b""
            await eventually(lambda: "Refused 127.0.0.1: 3 connections" in caplog.text)
            writer.close()
            silent[0][1].close()
            await eventually(lambda: "Closed" in caplog.text)
            async with connected(console.port) as client:
                await client.until(lambda: client.connection.is_active)
            for _, one in silent:
                one.close()

    with caplog.at_level(logging.INFO):
        run(scenario)


def test_garbage_hurts_nobody(doorkeeper: Doorkeeper, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with served(doorkeeper) as console, connected(console.port) as client:
            show(console, noise(64, 64))
            await client.until_shows(console.screen.pixels)
            reader, writer = await asyncio.open_connection("127.0.0.1", console.port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            while await reader.read(4096):
                pass
            writer.close()
            show(console, noise(64, 64, seed=1))
            await client.until_shows(console.screen.pixels)

    with caplog.at_level(logging.INFO):
        run(scenario)
    assert "Traceback" not in caplog.text


def test_the_log_names_connection_vm_and_user(
    doorkeeper: Doorkeeper, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with served(doorkeeper) as console, connected(console.port, user="alice") as client:
            await client.until(lambda: client.connection.is_active)
            client.connection.disconnect()
            client.flush()
            await eventually(lambda: "Closed" in caplog.text)

    with caplog.at_level(logging.INFO):
        run(scenario)
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("[c")]
    assert [line.partition("] ")[2].split(" ")[0] for line in lines] == [
        "Connected",
        "Logged",
        "Active",
        "Closed",
    ]
    assert " vm=vm] " in lines[0]
    assert all(" vm=vm alice] " in line for line in lines[1:])


def test_what_a_backend_sees(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        async with served(doorkeeper) as console:
            vm = RegisteredVm(console)
            console.start(vm, RecordingSink(), "uuid")
            assert (vm.name, vm.uuid, vm.port, vm.viewer_count) == ("vm", "uuid", console.port, 0)
            assert vm.screen is console.screen
            assert vm.is_current
            async with connected(console.port) as client:
                await client.until(lambda: client.connection.is_active)
                await eventually(lambda: vm.viewer_count == 1)
            console.start("another", RecordingSink(), None)
            assert not vm.is_current

    run(scenario)
