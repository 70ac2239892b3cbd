"""A VNC server as a VM: its picture, its bad moments, and what it is told."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.backend import VmStatus
from pyrdpmux.mux.picture.cursor import Cursor
from pyrdpmux.mux.vnc import outlet
from pyrdpmux.mux.vnc.backend import VncBackend, open_backend
from pyrdpmux.mux.vnc.target import VncTarget
from pyrdpmux.rfb.client_messages import (
    ClientFence,
    EnableContinuousUpdates,
    ExtendedKeyEvent,
    FramebufferUpdateRequest,
    KeyEvent,
    PointerEvent,
    SetEncodings,
    SetPixelFormat,
)
from pyrdpmux.rfb.desktop import Screen, SetDesktopSize
from pyrdpmux.rfb.encodings import Encoding
from pyrdpmux.rfb.pixel_format import BGRX
from pyrdpmux.rfb.vnc_password import response_to
from pyrdpmux.wire import encode
from pyrdpmux.wire.secret import Secret
from tests.mux.serving import run
from tests.mux.support.fake_host import FakeHost, FakeVm, until
from tests.mux.vnc.fake_server import FakeVncServer, vnc_server
from tests.rfb.encoders import Picture, Server, pixel, rectangle, u32, update

PICTURE: Picture = (np.arange(64 * 48, dtype=np.uint32) * np.uint32(0x1357)).reshape(48, 64)


def backend_of(path: Path) -> VncBackend:
    return VncBackend("vm", VncTarget(path=path), first_pause=0.01, longest_pause=0.02)


@asynccontextmanager
async def running(backend: VncBackend) -> AsyncIterator[FakeVm]:
    host = FakeHost()
    await backend.start(host)
    try:
        yield host.vms["vm"]
    finally:
        await backend.stop()


def shows(vm: FakeVm, picture: Picture) -> bool:
    return vm.screen.pixels.shape[:2] == picture.shape and bool(
        (vm.screen.pixels.view("<u4")[:, :, 0] == picture).all()
    )


def raw_update(picture: Picture, x: int = 0, y: int = 0) -> bytes:
    return update(Server().rectangle(Encoding.RAW, picture, x, y))


async def asked(server: FakeVncServer) -> None:
    """The viewer waits for an update."""
    await until(lambda: server.count(FramebufferUpdateRequest) > 0)


def test_a_picture_and_its_changes(tmp_path: Path) -> None:
    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc") as server, running(backend) as vm:
            await asked(server)
            assert server.take(SetPixelFormat) == [SetPixelFormat(BGRX)]
            [encodings] = server.take(SetEncodings)
            assert encodings.encodings[:2] == (Encoding.COPY_RECT, Encoding.RAW)
            assert server.take(FramebufferUpdateRequest) == [FramebufferUpdateRequest(False, 0, 0, 64, 48)]
            assert (vm.screen.width, vm.screen.height) == (64, 48)
            assert [status for status, _ in vm.statuses] == [VmStatus.STARTING, VmStatus.WAITING]
            server.send(raw_update(PICTURE))
            await until(lambda: vm.statuses[-1] == (VmStatus.RUNNING, ""))
            assert shows(vm, PICTURE)
            await asked(server)
            assert server.take(FramebufferUpdateRequest) == [FramebufferUpdateRequest(True, 0, 0, 64, 48)]
            changed = PICTURE.copy()
            changed[10:20, 30:40] = 0xABCDEF
            server.send(raw_update(changed[10:20, 30:40], 30, 10))
            await until(lambda: shows(vm, changed))

    run(scenario)


def test_one_request_at_a_time_and_not_too_often(tmp_path: Path) -> None:
    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc") as server, running(backend):
            await asked(server)
            server.send(50 * update())
            await asyncio.sleep(0.1)
            assert 1 <= server.count(FramebufferUpdateRequest) <= 8

    run(scenario)


def test_copies(tmp_path: Path) -> None:
    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc") as server, running(backend) as vm:
            await asked(server)
            server.send(raw_update(PICTURE))
            body = bytes.fromhex("0000 0000")
            server.send(update(rectangle(Encoding.COPY_RECT, body, x=3, y=2, width=40, height=30)))
            expected = PICTURE.copy()
            expected[2:32, 3:43] = PICTURE[0:30, 0:40]
            await until(lambda: shows(vm, expected))

    run(scenario)


def test_a_copy_from_nowhere_makes_us_ask_for_everything(tmp_path: Path) -> None:
    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc") as server, running(backend) as vm:
            await asked(server)
            server.send(raw_update(PICTURE))
            await until(lambda: shows(vm, PICTURE))
            body = bytes.fromhex("0040 0000")
            server.send(update(rectangle(Encoding.COPY_RECT, body, width=40, height=30)))
            await until(lambda: not server.told or not server.told[-1].incremental)
            assert shows(vm, PICTURE)

    run(scenario)


def test_another_size(tmp_path: Path) -> None:
    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc") as server, running(backend) as vm:
            await asked(server)
            server.told.clear()
            server.send(update(rectangle(Encoding.DESKTOP_SIZE, b"", width=80, height=20)))
            whole = FramebufferUpdateRequest(False, 0, 0, 80, 20)
            await until(lambda: whole in server.told)
            # The next update is asked for before this one is read, if the last was asked for long enough ago.
            early = FramebufferUpdateRequest(True, 0, 0, 64, 48)
            assert server.take(FramebufferUpdateRequest) in ([whole], [early, whole])
            picture = np.resize(PICTURE, (20, 80))
            server.send(raw_update(picture))
            await until(lambda: shows(vm, picture))

    run(scenario)


def test_a_viewer_wishes_for_another_size(tmp_path: Path) -> None:
    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc") as server, running(backend) as vm:
            await asked(server)
            backend.input.request_size(800, 600)  # nobody knows yet whether that is possible
            screen = Screen(1, 0, 0, 64, 48)
            body = b"\1\0\0\0" + encode(screen)
            server.send(update(rectangle(Encoding.EXTENDED_DESKTOP_SIZE, body, width=64, height=48)))
            server.send(raw_update(PICTURE))
            await until(lambda: shows(vm, PICTURE))
            backend.input.request_size(1024, 768)
            backend.input.request_size(0, 99999)
            await until(lambda: server.count(SetDesktopSize) > 0)
            assert server.take(SetDesktopSize) == [SetDesktopSize(1024, 768, (Screen(1, 0, 0, 1024, 768),))]
            refused = rectangle(Encoding.EXTENDED_DESKTOP_SIZE, body, x=1, y=3, width=64, height=48)
            server.send(update(refused))
            server.send(raw_update(PICTURE[::-1]))
            await until(lambda: shows(vm, PICTURE[::-1]))

    run(scenario)


def test_pointer_shape_lights_and_pointer_mode(tmp_path: Path) -> None:
    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc") as server, running(backend) as vm:
            await asked(server)
            server.send(
                update(
                    rectangle(Encoding.CURSOR, pixel(0x123456) + b"\x80", x=0, y=0, width=1, height=1),
                    rectangle(Encoding.QEMU_LED_STATE, b"\4"),
                    rectangle(Encoding.QEMU_POINTER_MOTION_CHANGE, b"", x=0),
                )
            )
            await until(lambda: not vm.is_absolute)
            assert vm.leds == 4
            assert isinstance(vm.screen.cursor, Cursor)
            assert vm.screen.cursor.image.tolist() == [[[0x56, 0x34, 0x12, 255]]]

    run(scenario)


def test_keys_and_pointer_reach_the_server(tmp_path: Path) -> None:
    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc") as server, running(backend):
            await asked(server)
            backend.input.key(0x1E, extended=False, extended1=False, down=True)
            await until(lambda: server.count(KeyEvent) > 0)
            assert server.take(KeyEvent) == [KeyEvent(True, ord("a"))]
            server.send(update(rectangle(Encoding.QEMU_EXTENDED_KEY_EVENT, b"")))
            server.take(FramebufferUpdateRequest)
            await asked(server)
            backend.input.key(0x1D, extended=True, extended1=False, down=True)
            backend.input.pointer(10, 20)
            await until(lambda: server.count(PointerEvent) > 0)
            assert server.take(ExtendedKeyEvent) == [ExtendedKeyEvent(True, 0xFFE4, 0x9D)]
            assert server.take(PointerEvent) == [PointerEvent(0, 10, 20)]

    run(scenario)


def test_a_server_that_goes_and_returns(tmp_path: Path) -> None:
    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with running(backend) as vm:
            await until(lambda: vm.statuses[-1] == (VmStatus.LOST, "no such file or directory"))
            async with vnc_server(tmp_path / "vnc") as server:
                await asked(server)
                server.send(raw_update(PICTURE))
                await until(lambda: vm.statuses[-1] == (VmStatus.RUNNING, ""))
                server.told.clear()
                server.hang_up()
                await until(lambda: VmStatus.LOST in [status for status, _ in vm.statuses[3:]])
                backend.input.key(0x1E, extended=False, extended1=False, down=True)  # goes nowhere
                await asked(server)
                assert server.connections == 2
                assert not server.take(FramebufferUpdateRequest)[0].incremental
                assert server.count(KeyEvent) == 0
                server.send(raw_update(PICTURE))
                await until(lambda: vm.statuses[-1] == (VmStatus.RUNNING, ""))
                assert shows(vm, PICTURE)
            await until(lambda: vm.statuses[-1][0] == VmStatus.LOST)

    run(scenario)


@pytest.mark.parametrize(
    ("nonsense", "complaint"),
    [
        (b"\x63", "ServerMessage.message-type: 99 is none that we asked for (offset 0)"),
        (
            update(rectangle(7, b"")),
            "FramebufferUpdate.encoding-type: 7 is none that we asked for (offset 0)",
        ),
        (
            update(rectangle(Encoding.RRE, u32(1 << 31), width=1, height=1)),
            "RRE.number-of-subrectangles: 2147483648, at most 1 allowed",
        ),
        (
            update(rectangle(Encoding.DESKTOP_SIZE, b"", width=65535, height=65535)),
            "DesktopSize.width or height: 65535, at most 8192 allowed",
        ),
    ],
)
def test_a_hostile_server_costs_only_its_connection(tmp_path: Path, nonsense: bytes, complaint: str) -> None:
    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc") as server, running(backend) as vm:
            await asked(server)
            server.send(nonsense)
            await until(lambda: (VmStatus.LOST, complaint) in vm.statuses)
            await until(lambda: server.connections >= 2)
            server.send(raw_update(PICTURE))
            await until(lambda: shows(vm, PICTURE))

    run(scenario)


def test_a_server_that_does_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "MAX_UNSENT", 50_000)

    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc") as server, running(backend):
            await asked(server)
            server.stop_reading()
            for x in range(40_000):
                backend.input.pointer(x % 64, 5)  # motion can be left out
            assert server.connections == 1
            for x in range(40_000):
                backend.input.key(0x1E, extended=False, extended1=False, down=x % 2 == 0)
            await until(lambda: server.connections == 2)

    run(scenario)


def test_a_server_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyrdpmux.mux.vnc.session.HANDSHAKE_SECONDS", 0.05)

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_unix_server(silence, tmp_path / "vnc")
        async with server, running(backend_of(tmp_path / "vnc")) as vm:
            await until(
                lambda: vm.statuses[-1] == (VmStatus.LOST, "RFB handshake: no progress within 0.05 s")
            )

    run(scenario)


def test_a_complaint_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    async def scenario() -> None:
        async with running(backend_of(tmp_path / "vnc")) as vm:
            await until(lambda: len(vm.statuses) > 4)

    run(scenario)
    assert [record.getMessage() for record in caplog.records] == [
        f"vm: unix:{tmp_path}/vnc: no such file or directory"
    ]


def test_a_refusal_is_not_answered_by_storming_the_door(tmp_path: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"RFB 003.008\n\0" + u32(7) + b"go away")
        await reader.read()
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_unix_server(refuse, tmp_path / "vnc")
        async with server, running(backend_of(tmp_path / "vnc")) as vm:
            await until(lambda: vm.statuses[-1][0] == VmStatus.LOST)
            await asyncio.sleep(0.1)
            assert [status for status, _ in vm.statuses] == [VmStatus.STARTING, VmStatus.LOST]
            assert "go away" in vm.statuses[-1][1]

    run(scenario)


def test_a_password_file_that_is_not_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        target = VncTarget(path=tmp_path / "vnc", password_file=tmp_path / "password")
        backend = VncBackend("vm", target, first_pause=0.01)
        async with running(backend) as vm:
            complaint = f"{tmp_path}/password: cannot read: No such file or directory"
            await until(lambda: vm.statuses[-1] == (VmStatus.LOST, complaint))

    run(scenario)


def test_another_password_is_tried_as_soon_as_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after the half minute that follows a refusal; the wrong one is not tried again meanwhile."""
    monkeypatch.setattr("pyrdpmux.mux.vnc.backend.LOOK_SECONDS", 0.01)
    challenge = bytes(range(16))
    tried: list[bytes] = []

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"RFB 003.008\n\1\2")
        await reader.readexactly(13)
        writer.write(challenge)
        tried.append(await reader.readexactly(16))
        writer.write(u32(1) + u32(5) + b"wrong")
        await reader.read()
        writer.close()

    async def scenario() -> None:
        password = tmp_path / "password"
        password.touch(0o600)
        password.write_text("one\n")
        target = VncTarget(path=tmp_path / "vnc", password_file=password)
        server = await asyncio.start_unix_server(ask, tmp_path / "vnc")
        async with server, running(VncBackend("vm", target, first_pause=0.01)) as vm:
            await until(lambda: vm.statuses[-1][0] == VmStatus.LOST)
            for _ in range(20):
                await asyncio.sleep(0.01)
            assert len(tried) == 1
            password.write_text("another\n")
            await until(lambda: len(tried) == 2)
        assert tried == [response_to(challenge, Secret(text)) for text in ("one", "another")]

    run(scenario)


def test_the_kind_of_source() -> None:
    open_backend("vm", "127.0.0.1:5901")
    with pytest.raises(ConfigError):
        open_backend("vm", "nowhere")


def test_a_vm_that_nobody_looks_at_is_not_asked(tmp_path: Path) -> None:
    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc") as server, running(backend) as vm:
            await asked(server)
            server.told.clear()
            vm.look(False)
            server.send(raw_update(PICTURE))
            await until(lambda: shows(vm, PICTURE))
            backend.input.pointer(1, 2)
            await until(lambda: server.count(PointerEvent) == 1)
            assert server.count(FramebufferUpdateRequest) == 0
            vm.look(True)
            await asked(server)
            assert server.take(FramebufferUpdateRequest) == [FramebufferUpdateRequest(True, 0, 0, 64, 48)]

    run(scenario)


def test_a_vm_that_nobody_has_ever_looked_at(tmp_path: Path) -> None:
    """It runs, also in the server's next life, and is asked for its picture when somebody comes."""

    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        host = FakeHost()
        await backend.start(host)
        vm = host.vms["vm"]
        vm.look(False)
        try:
            for _ in range(2):
                async with vnc_server(tmp_path / "vnc") as server:
                    await until(lambda: vm.statuses[-1] == (VmStatus.RUNNING, ""))
                    assert server.count(FramebufferUpdateRequest) == 0
                await until(lambda: vm.statuses[-1][0] == VmStatus.LOST)
            async with vnc_server(tmp_path / "vnc") as server:
                await until(lambda: vm.statuses[-1] == (VmStatus.RUNNING, ""))
                vm.look(True)
                await asked(server)
                assert not server.take(FramebufferUpdateRequest)[0].incremental
        finally:
            await backend.stop()

    run(scenario)


def test_a_server_that_need_not_be_asked(tmp_path: Path) -> None:
    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc") as server, running(backend) as vm:
            await asked(server)
            server.told.clear()
            server.send(b"\x96" + bytes.fromhex("f8 000000 80000001 01 07"))
            await until(lambda: server.count(ClientFence) == 1)
            await until(lambda: server.count(EnableContinuousUpdates) == 1)
            for value in range(3):
                server.send(raw_update(PICTURE + value))
                await until(lambda value=value: shows(vm, PICTURE + value))  # type: ignore[misc]
            assert server.count(FramebufferUpdateRequest) == 0
            vm.look(False)
            await until(lambda: server.count(EnableContinuousUpdates) == 2)
            assert [message.enable for message in server.take(EnableContinuousUpdates)] == [True, False]

    run(scenario)
