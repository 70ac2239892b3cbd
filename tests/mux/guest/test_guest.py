"""Our guest against our server, over the real socket and the real shared memory, without D-Bus."""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.backend import Button, Vm
from pyrdpmux.mux.guest import Guest, PixelCode, Rect, pixel_format
from pyrdpmux.mux.librdpmux.backend import LibrdpmuxBackend
from pyrdpmux.mux.librdpmux.input import InputSender
from pyrdpmux.mux.librdpmux.messages import (
    DisplaySwitch,
    DisplayUpdate,
    DisplayUpdatePair,
    Message,
    decode_message,
)
from pyrdpmux.mux.librdpmux.protocol import PROTOCOLS
from pyrdpmux.mux.librdpmux.registration import Registration
from pyrdpmux.mux.librdpmux.session import Session
from tests.mux.support.fake_host import FakeHost, FakeVm, InputNotes, until

UUID = "6b8b4567-327b-23c6-643c-986966334873"


class Pair:
    """A guest that is registered with a server."""

    def __init__(self, tmp_path: Path, grace_seconds: float = 60.0) -> None:
        self.tmp_path = tmp_path
        self.host = FakeHost()
        self.backend = LibrdpmuxBackend(
            "none", directory=tmp_path, shared_memory=tmp_path, grace_seconds=grace_seconds
        )
        self.notes = InputNotes()
        self.guest = self.new_guest(7)

    def new_guest(self, vm_id: int) -> Guest:
        return Guest(self.notes, vm_id=vm_id, shared_memory=self.tmp_path)

    async def register(self, guest: Guest) -> None:
        guest.connect(await self.backend.server.register(Registration(vm_id=guest.vm_id, uid=os.getuid())))
        await until(lambda: guest.is_connected)

    async def __aenter__(self) -> "Pair":
        await self.backend.start(self.host)
        await self.register(self.guest)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.guest.close()
        await self.backend.stop()

    @property
    def vm(self) -> FakeVm:
        return self.host.vms["vm-7"]


@pytest.mark.parametrize("code", PixelCode, ids=lambda code: code.name)
def test_every_format_arrives(tmp_path: Path, code: PixelCode) -> None:
    async def scenario() -> None:
        async with Pair(tmp_path) as pair:
            format_ = pixel_format(code)
            pair.guest.switch(format_, 200, 100)
            picture = np.random.default_rng(1).integers(0, 256, (100, 200, 4), np.uint8)
            pair.guest.show(Rect(0, 0, 200, 100), picture)
            await until(lambda: pair.guest.is_settled)
            expected = format_.to_bgrx(format_.from_bgrx(picture))
            assert (pair.vm.screen.pixels == expected)[..., :3].all()

            picture[10:20, 30:33] = 0x80
            pair.guest.show(Rect(30, 10, 3, 10), picture[10:20, 30:33])
            await until(lambda: pair.guest.is_settled)
            expected = format_.to_bgrx(format_.from_bgrx(picture))
            assert (pair.vm.screen.pixels == expected)[..., :3].all()

    asyncio.run(scenario())


@pytest.mark.parametrize("says_so", [True, False])
def test_two_rectangles_are_one_message_for_a_server_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says_so: bool
) -> None:
    """One that has said that it takes them: others, older ones of ours too, get an update for each."""
    if not says_so:
        acknowledge = Session._acknowledge
        monkeypatch.setattr(Session, "_acknowledge", lambda session, *_: acknowledge(session))
    heard: list[bytes] = []
    receive = Session.receive
    whole = DisplayUpdate(0, 0, 200, 100)

    def told(data: bytes) -> Message:
        return decode_message(data, 1)

    def noted(session: Session, messages: Iterable[bytes], now: float) -> None:
        heard.extend(messages)
        receive(session, messages, now)

    monkeypatch.setattr(Session, "receive", noted)

    async def scenario() -> None:
        async with Pair(tmp_path) as pair:
            guest = Guest(pair.notes, vm_id=8, uuid=UUID, shared_memory=tmp_path)
            registration = Registration(vm_id=8, version=5, uuid=UUID, uid=os.getuid())
            guest.connect(await pair.backend.server.register(registration), PROTOCOLS[5])
            guest.switch(pixel_format(PixelCode.X8R8G8B8), 200, 100)
            await until(lambda: guest.is_settled and guest._is_answered and whole in map(told, heard))
            heard.clear()
            guest.show(Rect(0, 0, 10, 10), np.full((10, 10, 4), 7, np.uint8))
            guest.show(Rect(190, 90, 10, 10), np.full((10, 10, 4), 8, np.uint8))
            await until(lambda: guest.is_settled and bool(heard))
            # The whole may be told once more, and the surface with it.
            news = [
                item for item in map(told, heard) if item != whole and not isinstance(item, DisplaySwitch)
            ]
            assert list(map(type, news)) == ([DisplayUpdatePair] if says_so else [DisplayUpdate] * 2)
            pixels = pair.host.vms[UUID].screen.pixels
            assert [int(pixels[y, x, 0]) for x, y in ((0, 0), (9, 9), (199, 99))] == [7, 7, 8]
            await guest.close()

    asyncio.run(scenario())


def test_resize_and_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Pair(tmp_path) as pair:
            for width, height in ((800, 600), (320, 200), (1280, 720), (800, 600)):
                pair.guest.switch(pixel_format(PixelCode.X8R8G8B8), width, height)
                pair.guest.pixels[-1, -1] = (1, 2, 3, 0)
                await until(lambda: pair.guest.is_settled)
                screen = pair.vm.screen
                assert (screen.width, screen.height) == (width, height)
                assert screen.pixels[-1, -1, :3].tolist() == [1, 2, 3]

    asyncio.run(scenario())


def test_input_arrives(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Pair(tmp_path) as pair:
            pair.guest.switch(pixel_format(PixelCode.X8R8G8B8), 800, 600)
            await until(lambda: pair.guest.is_settled)
            sink = pair.vm.input
            sink.key(0x1E, extended=False, extended1=False, down=True)
            sink.key(0x1D, extended=True, extended1=False, down=False)
            sink.pointer(700, 5)
            sink.button(Button.RIGHT, down=True, x=701, y=5)
            sink.wheel(-120, horizontal=False, x=701, y=5)
            sink.wheel(30, horizontal=True, x=2000, y=-3)
            await until(lambda: len(pair.notes.events) == 8)
            assert pair.notes.events == [
                ("key", 0x1E, False, False, True),
                ("key", 0x1D, True, False, False),
                ("pointer", 700, 5),
                ("pointer", 701, 5),
                ("button", Button.RIGHT, True, 701, 5),
                ("wheel", -120, False, 701, 5),
                ("pointer", 799, 0),
                ("wheel", 30, True, 799, 0),
            ]

    asyncio.run(scenario())


class SizedNotes(InputNotes):
    def request_size(self, width: int, height: int, scale: int = 100) -> None:
        self.events.append(("size", width, height, scale))


def test_a_guest_that_can_is_asked_for_a_size(tmp_path: Path) -> None:
    async def scenario() -> None:
        pair = Pair(tmp_path)
        pair.notes = SizedNotes()
        pair.guest = pair.new_guest(7)
        async with pair:
            sink = pair.vm.input
            assert isinstance(sink, InputSender)
            await until(lambda: sink.takes_sizes)
            sink.request_size(0, 600)
            sink.request_size(1280, 0x8000)
            sink.request_size(1280, 720, 150)
            await until(lambda: bool(pair.notes.events))
            assert pair.notes.events == [("size", 1280, 720, 150)]

    asyncio.run(scenario())


def test_a_guest_that_cannot_hears_nothing_of_sizes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Pair(tmp_path) as pair:
            pair.guest.switch(pixel_format(PixelCode.X8R8G8B8), 80, 60)
            await until(lambda: pair.guest.is_settled)
            sink = pair.vm.input
            assert isinstance(sink, InputSender)
            assert not sink.takes_sizes
            sink.request_size(1280, 720, 150)
            sink.key(0x1E, extended=False, extended1=False, down=True)
            await until(lambda: bool(pair.notes.events))
            assert pair.notes.events == [("key", 0x1E, False, False, True)]

    asyncio.run(scenario())


def test_a_guest_that_ends_takes_its_traces_along(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Pair(tmp_path) as pair:
            assert (tmp_path / "7.rdpmux").stat().st_mode & 0o777 == 0o600
            assert (tmp_path / "7.socket").stat().st_mode & 0o777 == 0o600
            await pair.guest.close()
            await until(lambda: bool(pair.host.removed))
            assert pair.host.removed == [("vm-7", "the VM has shut down")]
            assert os.listdir(tmp_path) == []

    asyncio.run(scenario())


def test_a_guest_that_vanishes_may_come_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Pair(tmp_path) as pair:
            pair.guest.switch(pixel_format(PixelCode.X8R8G8B8), 300, 200)
            await until(lambda: pair.guest.is_settled)
            screen = pair.vm.screen
            _vanish(pair.guest)
            await until(lambda: pair.host.lost == ["vm-7"])

            again = pair.new_guest(7)  # takes over the framebuffer that was left behind
            await pair.register(again)
            again.switch(pixel_format(PixelCode.R5G6B5), 64, 48)
            await until(lambda: again.is_settled)
            assert pair.vm.screen is screen
            assert (screen.width, screen.height) == (64, 48)
            assert pair.host.removed == []
            await again.close()

    asyncio.run(scenario())


def test_a_broken_connection_heals(tmp_path: Path) -> None:
    """Without a bus, a closed socket is all that is known of a VM's death; it may be wrong."""

    async def scenario() -> None:
        async with Pair(tmp_path) as pair:
            pair.guest.switch(pixel_format(PixelCode.X8R8G8B8), 300, 200)
            await until(lambda: pair.guest.is_settled)
            _vanish(pair.guest)
            await until(lambda: pair.host.lost == ["vm-7"])
            pair.guest.connect(f"ipc://{tmp_path / '7.socket'}")
            await until(lambda: pair.host.added == ["vm-7", "vm-7"])
            pair.guest.pixels[3, 4] = (5, 6, 7, 0)
            pair.guest.update(Rect(4, 3, 1, 1))
            await until(lambda: pair.vm.screen.pixels[3, 4, :3].tolist() == [5, 6, 7])
            assert pair.host.removed == []

    asyncio.run(scenario())


def test_a_takeover_that_fails_removes_the_vm(tmp_path: Path) -> None:
    class Refusing(FakeHost):
        async def add_vm(self, *arguments: Any, **options: Any) -> Vm:
            if self.added:
                raise BackendError("no port")
            return await super().add_vm(*arguments, **options)

    async def scenario() -> None:
        pair = Pair(tmp_path)
        pair.host = Refusing()
        async with pair:
            with pytest.raises(BackendError, match="no port"):
                await pair.backend.server.register(Registration(vm_id=7, uid=os.getuid()))
            assert pair.host.removed == [("vm-7", "its successor could not be registered")]
            assert not (tmp_path / "7.socket").exists()

    asyncio.run(scenario())


def test_a_guest_that_stays_away_is_removed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Pair(tmp_path, grace_seconds=0.0) as pair:
            pair.guest.switch(pixel_format(PixelCode.X8R8G8B8), 300, 200)
            await until(lambda: pair.guest.is_settled)
            _vanish(pair.guest)
            await until(lambda: pair.host.removed == [("vm-7", "the VM is gone")])
            assert os.listdir(tmp_path) == [], "framebuffer and socket are left"

    asyncio.run(scenario())


def test_a_guest_survives_a_server_restart(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Pair(tmp_path) as pair:
            pair.guest.switch(pixel_format(PixelCode.X8R8G8B8), 300, 200)
            pair.guest.pixels[5, 5] = (9, 8, 7, 0)
            await until(lambda: pair.guest.is_settled)
            await pair.backend.stop()
            await until(lambda: not pair.guest.is_connected)
            pair.guest.update(Rect(0, 0, 9, 9))
            await pair.backend.start(pair.host)
            await pair.backend.server.register(
                Registration(vm_id=7, uid=os.getuid())
            )  # same path: nng dials again
            await until(lambda: pair.guest.is_settled)
            assert pair.vm.screen.pixels[5, 5, :3].tolist() == [9, 8, 7]

    asyncio.run(scenario())


def test_an_id_in_use_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Pair(tmp_path) as pair:
            with pytest.raises(BackendError, match="in use"):
                await pair.backend.server.register(Registration(vm_id=7, owner=":1.9", uid=os.getuid() + 1))
            with pytest.raises(BackendError, match="0 or more"):
                await pair.backend.server.register(Registration(vm_id=-1, uid=os.getuid()))
            assert pair.guest.is_connected

    asyncio.run(scenario())


def test_the_console_of_a_dead_vm_does_not_go_to_another_user(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Pair(tmp_path) as pair:
            _vanish(pair.guest)
            await until(lambda: pair.host.lost == ["vm-7"])
            with pytest.raises(BackendError, match="in use"):
                await pair.backend.server.register(Registration(vm_id=7, owner=":1.9", uid=os.getuid() + 1))
            assert pair.host.added == ["vm-7"]

    asyncio.run(scenario())


def test_a_framebuffer_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "7.rdpmux").symlink_to("/etc/hostname")

    async def scenario() -> None:
        with pytest.raises(BackendError, match="not ours"):
            Guest(InputNotes(), vm_id=7, shared_memory=tmp_path)

    asyncio.run(scenario())


def _vanish(guest: Guest) -> None:
    """What a killed process does: the socket closes, the framebuffer stays."""
    assert guest._socket is not None
    guest._socket.close()
    guest._socket = None
