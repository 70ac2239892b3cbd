"""The transports of the C library and nothing of ours: raw sockets, raw bytes, its padding."""

import asyncio
from typing import Protocol

import pynng
import zmq
import zmq.asyncio

from tests.rows import unhex

PADDED_SIZE = 24
SECONDS = 5.0


class Library(Protocol):
    """One VM's connection, as the library of its version would make it."""

    async def send(self, text: str) -> None: ...

    async def receive(self) -> bytes: ...

    def close(self) -> None: ...


class NanomsgLibrary:
    """Protocols 1 and 2, here on nng, which speaks nanomsg's wire format."""

    def __init__(self, endpoint: str) -> None:
        self._socket = pynng.Pair0(recv_timeout=int(SECONDS * 1000))
        self._socket.dial(endpoint, block=False)

    async def send(self, text: str) -> None:
        await asyncio.to_thread(self._socket.send, unhex(text).ljust(PADDED_SIZE, b"\0"))

    async def receive(self) -> bytes:
        data: bytes = await asyncio.to_thread(self._socket.recv)
        return data

    def close(self) -> None:
        self._socket.close()


class ZeroMqLibrary:
    """Protocols 3 to 5: a DEALER with default options; ``connections`` is 2 in 3 and 4a."""

    def __init__(self, endpoint: str, uuid: str, connections: int = 1) -> None:
        self.uuid = uuid.encode()
        self.context = zmq.asyncio.Context()
        self.socket = self.context.socket(zmq.DEALER)
        for _ in range(connections):
            self.socket.connect(endpoint)

    async def send(self, text: str) -> None:
        await self.send_frames(self.uuid, unhex(text).ljust(PADDED_SIZE, b"\0"))

    async def send_frames(self, *frames: bytes) -> None:
        await self.socket.send_multipart(frames)

    async def receive(self) -> bytes:
        async with asyncio.timeout(SECONDS):
            frames = await self.socket.recv_multipart()
        assert len(frames) == 2, "one frame makes the library abort its process"
        assert frames[0] == self.uuid, "byte for byte"
        data: bytes = frames[1]
        return data

    def close(self) -> None:
        self.socket.close(linger=100)
        self.context.term()


def connect_library(version: int, endpoint: str, uuid: str) -> Library:
    if version <= 2:
        return NanomsgLibrary(endpoint)
    return ZeroMqLibrary(endpoint, uuid, 2 if version == 3 else 1)
