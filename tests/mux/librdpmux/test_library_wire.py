"""A peer on the real libnanomsg, doing what the C library does, against our server's socket."""

import asyncio
import ctypes
import ctypes.util
import os
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.backend import LibrdpmuxBackend
from pyrdpmux.mux.librdpmux.registration import Registration
from pyrdpmux.mux.librdpmux.transport import PairSocket
from tests.mux.support.fake_host import FakeHost, until
from tests.rows import unhex

AF_SP, NN_PAIR, NN_SOL_SOCKET, NN_RCVTIMEO = 1, 0x10, 0, 5
ACK = b"\x92\x04\x01"

_name = ctypes.util.find_library("nanomsg")
needs_nanomsg = pytest.mark.skipif(_name is None, reason="needs libnanomsg (Debian: libnanomsg5)")


class Library:
    """The transport of the C library: its calls, its padding."""

    def __init__(self, endpoint: str) -> None:
        self.nn: Any = ctypes.CDLL(_name)
        self.socket = self.nn.nn_socket(AF_SP, NN_PAIR)
        timeout = ctypes.c_int(5000)
        self.nn.nn_setsockopt(
            self.socket, NN_SOL_SOCKET, NN_RCVTIMEO, ctypes.byref(timeout), ctypes.sizeof(timeout)
        )
        assert self.nn.nn_connect(self.socket, endpoint.encode()) > 0

    def send(self, text: str) -> None:
        data = unhex(text).ljust(24, b"\0")
        assert self.nn.nn_send(self.socket, data, len(data), 0) == len(data)

    async def receive(self) -> bytes:
        buffer = ctypes.create_string_buffer(64)
        size = await asyncio.to_thread(self.nn.nn_recv, self.socket, buffer, len(buffer), 0)
        assert size >= 0, "nothing came"
        return buffer.raw[:size]

    def close(self) -> None:
        self.nn.nn_close(self.socket)


@needs_nanomsg
def test_the_library_is_served(tmp_path: Path) -> None:
    async def scenario() -> None:
        host = FakeHost()
        backend = LibrdpmuxBackend("none", directory=tmp_path, shared_memory=tmp_path)
        await backend.start(host)
        endpoint = await backend.server.register(Registration(vm_id=1804289383, uid=os.getuid()))
        library = Library(endpoint)
        memory = tmp_path / "1804289383.rdpmux"
        memory.write_bytes(b"\x10\x20\x30\xff" * (640 * 480))
        memory.chmod(0o444)
        library.send("94 01 ce20020888 cd0280 cd01e0")
        library.send("95 00 00 00 cd0280 cd01e0")
        assert await library.receive() == ACK
        vm = host.vms["vm-1804289383"]
        assert vm.screen.pixels[479, 639, :3].tolist() == [0x10, 0x20, 0x30]

        assert await library.receive() == ACK, "the repeated one"
        vm.input.key(0x1E, extended=False, extended1=False, down=True)
        vm.input.pointer(700, 5)
        assert await library.receive() == unhex("93031ecd4000")
        assert await library.receive() == unhex("9402cd027f05cd0800")

        library.close()
        await until(lambda: host.lost == [vm.name])
        await backend.stop()

    asyncio.run(scenario())


@needs_nanomsg
def test_a_second_peer_does_not_get_in(tmp_path: Path) -> None:
    async def scenario() -> None:
        host = FakeHost()
        backend = LibrdpmuxBackend("none", directory=tmp_path, shared_memory=tmp_path)
        await backend.start(host)
        endpoint = await backend.server.register(Registration(vm_id=5, uid=os.getuid()))
        library = Library(endpoint)
        library.send("95 00 00 00 01 01")
        assert await library.receive() == ACK
        second = Library(endpoint)
        for _ in range(3):
            library.send("95 00 00 00 01 01")
            assert await library.receive() == ACK
        assert host.lost == []
        second.close()
        library.close()
        await backend.stop()

    asyncio.run(scenario())


class Ignorant:
    """A SocketUser that only counts."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.connects = 0

    def received(self, messages: list[bytes]) -> None:
        self.messages += messages

    def connected(self) -> None:
        self.connects += 1

    def disconnected(self) -> None:
        self.connects -= 1


def test_a_peer_that_does_not_read_costs_bounded_memory_and_no_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        server, client = Ignorant(), Ignorant()
        listening, dialing = PairSocket(server), PairSocket(client)
        listening.send(b"nobody there")
        dialing.dial(listening.listen(tmp_path / "s", None))
        await until(lambda: server.connects == client.connects == 1)
        asyncio.get_running_loop().remove_reader(dialing._descriptor)
        for number in range(5000):
            listening.send(number.to_bytes(2, "big"))
        assert len(listening._backlog) == 1024
        asyncio.get_running_loop().add_reader(dialing._descriptor, dialing._readable)
        async with asyncio.timeout(5):
            while b"last" not in client.messages:
                listening.send(b"last")  # flushes what waits, and waits itself if there is room
                await asyncio.sleep(0)
        numbers = [int.from_bytes(data, "big") for data in client.messages if len(data) == 2]
        assert numbers == sorted(numbers)
        assert b"nobody there" not in client.messages
        dialing.close()
        await until(lambda: server.connects == 0)
        listening.close()
        listening.close()
        listening.send(b"closed")

    asyncio.run(scenario())


def test_an_empty_message_is_a_message(tmp_path: Path) -> None:
    async def scenario() -> None:
        server, client = Ignorant(), Ignorant()
        listening, dialing = PairSocket(server), PairSocket(client)
        dialing.dial(listening.listen(tmp_path / "s", None))
        await until(lambda: server.connects == client.connects == 1)
        for data in (b"before", b"", b"after"):
            dialing.send(data)
        await until(lambda: len(server.messages) == 3)
        assert server.messages == [b"before", b"", b"after"]
        dialing.close()
        listening.close()

    asyncio.run(scenario())


def test_what_cannot_be_bound_or_dialed(tmp_path: Path) -> None:
    async def scenario() -> None:
        socket = PairSocket(Ignorant())
        with pytest.raises(BackendError, match="longer than"):
            socket.listen(tmp_path / ("x" * 120), None)
        with pytest.raises(BackendError, match="missing"):
            socket.listen(tmp_path / "missing" / "s", None)
        with pytest.raises(BackendError, match="nonsense"):
            socket.dial("nonsense")
        socket.close()

    asyncio.run(scenario())
