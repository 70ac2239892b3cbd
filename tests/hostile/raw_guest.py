"""A hypervisor that breaks every rule: it registers, and says what it likes whenever it likes."""

import asyncio
import mmap
import os
from pathlib import Path
from typing import Final, Self

import numpy as np
from dbus_fast import DBusError
from dbus_fast.aio import MessageBus
from numpy.typing import NDArray

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.guest import PixelCode, Rect, pixel_format
from pyrdpmux.mux.librdpmux.bus import BUS_NAME, INTERFACE, OBJECT_PATH, call, connect_bus
from pyrdpmux.mux.librdpmux.messages import DisplaySwitch, DisplayUpdate, Shutdown, encode_message
from pyrdpmux.mux.librdpmux.protocol import PROTOCOLS
from pyrdpmux.mux.librdpmux.shared_memory import SHARED_MEMORY, object_name
from pyrdpmux.mux.librdpmux.transport import PairSocket

CONNECT_SECONDS: Final = 5.0
GOODBYE_SECONDS: Final = 0.1
PAIR_VERSION: Final = 2
"""The oldest protocol with a UUID: nanomsg, and every update is answered."""

STEP: Final = 48
"""Pixels between two that change: less than what the daemon joins, so that all of the picture has changed."""


async def register_raw(
    bus: MessageBus, *, vm_id: int, uuid: str, version: int = PAIR_VERSION, auth_file: str = "", port: int = 0
) -> str:
    """The endpoint. Raises BackendError with the daemon's reason."""
    signature = PROTOCOLS[version].signatures[0]
    values = [vm_id, version, uuid, port, auth_file]
    try:
        (endpoint,) = await call(
            bus, BUS_NAME, OBJECT_PATH, INTERFACE, "Register", signature, *values[: len(signature)]
        )
    except DBusError as error:
        raise BackendError(error.text) from error
    return str(endpoint)


class RawGuest:
    """One registered VM without a framebuffer of its own, unless :meth:`share` makes one."""

    def __init__(self, bus: MessageBus, vm_id: int, base: int) -> None:
        self.answers = 0
        self.pixels: NDArray[np.uint8] | None = None
        self._bus = bus
        self._path = SHARED_MEMORY / object_name(vm_id)
        self._base = base
        self._format = pixel_format(PixelCode.X8R8G8B8)
        self._socket = PairSocket(self)
        self._connected = asyncio.Event()
        self._memory: mmap.mmap | None = None

    @classmethod
    async def register(cls, bus: str, *, vm_id: int, uuid: str, base: int = 0) -> Self:
        """Raises BackendError."""
        connection = await connect_bus(bus)
        try:
            endpoint = await register_raw(connection, vm_id=vm_id, uuid=uuid)
        except BackendError:
            connection.disconnect()
            raise
        guest = cls(connection, vm_id, base)
        guest._socket.dial(endpoint)
        return guest

    async def until_connected(self) -> None:
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._connected.wait()

    def share(self, width: int, height: int, code: PixelCode = PixelCode.X8R8G8B8) -> None:
        """Make a framebuffer of this size and format."""
        self._format = pixel_format(code)
        size = width * height * self._format.bytes_per_pixel
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            os.ftruncate(descriptor, size)
            self._memory = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)
        self.pixels = np.frombuffer(self._memory, np.uint8)
        self.pixels[...] = 0

    def change_everything(self) -> None:
        """So much of the picture that all of it has to be sent, at little cost for us."""
        assert self.pixels is not None
        self.pixels[:: STEP * self._format.bytes_per_pixel] ^= 0xFF

    def switch(self, width: int, height: int) -> None:
        self._socket.send(encode_message(DisplaySwitch(self._format.code, width, height), self._base))

    def update(self, rect: Rect) -> None:
        self._socket.send(encode_message(DisplayUpdate(*rect), self._base))

    def say(self, data: bytes) -> None:
        """Whatever it is."""
        self._socket.send(data)

    async def leave(self) -> None:
        """The one thing that a hypervisor says in the end."""
        self.say(encode_message(Shutdown(), self._base))
        await asyncio.sleep(GOODBYE_SECONDS)
        await self.close()

    async def close(self) -> None:
        self._socket.close()
        self._bus.disconnect()
        if self._memory is not None:
            self.pixels = None
            self._path.unlink(missing_ok=True)
        await asyncio.sleep(0)

    # -- the socket's side ------------------------------------------------------------------------

    def received(self, messages: list[bytes]) -> None:
        self.answers += len(messages)

    def connected(self) -> None:
        self._connected.set()

    def disconnected(self) -> None:
        self._connected.clear()


def remove_shared(vm_id: int) -> None:
    """What a guest that was killed has left."""
    (SHARED_MEMORY / object_name(vm_id)).unlink(missing_ok=True)


def share_secret(vm_id: int, width: int, height: int, color: int) -> Path:
    """Shared memory of ours that nobody else may read, as another VM's would be."""
    path = SHARED_MEMORY / object_name(vm_id)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(np.full((height, width), color, np.uint32).tobytes())
    return path
