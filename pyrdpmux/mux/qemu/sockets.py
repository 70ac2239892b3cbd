"""Unix sockets as QEMU's D-Bus uses them: pairs, the authentication of one's own end, descriptors."""

import os
import socket
from typing import Final

from pyrdpmux.errors import BackendError

MAX_DESCRIPTORS: Final = 8
"""Unclaimed ones per connection; a peer that sends more is not QEMU."""

READ_SIZE: Final = 64 << 10


def client_authentication() -> bytes:
    """All that a D-Bus client says before its first message, in one go: nobody waits for an answer.

    A listener's bytes must lie in the socket before QEMU hears of it, since it reads them in its main loop.
    """
    identity = str(os.geteuid()).encode().hex()
    return f"\0AUTH EXTERNAL {identity}\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n".encode()


AUTHENTICATION_LINES: Final = (b"OK ", b"AGREE_UNIX_FD")
"""How the answers to it begin."""


def check_authentication(line: bytes, number: int) -> None:
    """BackendError if the server's answer is not the wanted one."""
    expected = AUTHENTICATION_LINES[number]
    if not line.startswith(expected):
        raise BackendError(f"D-Bus authentication: {line[:80]!r}, expected {expected!r}")


def make_pair() -> tuple[socket.socket, socket.socket]:
    """Our end, with the authentication sent, and QEMU's end, whose descriptor is to be handed over."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    # QEMU's GLib asks the kernel who wrote the first byte; without this it had to ask before we write.
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    ours.sendall(client_authentication())
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
    return ours, theirs


class Stream:
    """Blocking reads from a socket: what is small through a buffer, what is large straight into place."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = bytearray()
        self._descriptors: list[int] = []

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes. EOFError at the end."""
        while len(self._buffer) < size:
            self._fill()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def read_line(self) -> bytes:
        """Without its line end."""
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > READ_SIZE:
                raise BackendError("D-Bus authentication: a line without an end")
            self._fill()
        return self.read(end + 2)[:-2]

    def read_into(self, target: memoryview) -> None:
        """Fill ``target``."""
        done = min(len(self._buffer), len(target))
        target[:done] = self._buffer[:done]
        del self._buffer[:done]
        while done < len(target):
            # Never beyond the message, so that no descriptor of the next one can be lost here.
            count = self._socket.recv_into(target[done:])
            if not count:
                raise EOFError("connection closed")
            done += count

    def take_descriptors(self, count: int) -> list[int]:
        """The oldest ones that have come; now the caller's to close."""
        if count > len(self._descriptors):
            raise BackendError(f"{len(self._descriptors)} descriptors, {count} announced")
        taken, self._descriptors = self._descriptors[:count], self._descriptors[count:]
        return taken

    def close(self) -> None:
        """Of the descriptors that nobody took."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()

    def _fill(self) -> None:
        data, descriptors, _, _ = socket.recv_fds(self._socket, READ_SIZE, MAX_DESCRIPTORS)
        self._descriptors += descriptors
        if len(self._descriptors) > MAX_DESCRIPTORS:
            raise BackendError("too many descriptors")
        if not data:
            raise EOFError("connection closed")
        self._buffer += data
