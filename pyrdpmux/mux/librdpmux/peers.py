"""Who is at the other end of a ZeroMQ connection."""

import contextlib
import os
import socket
from dataclasses import dataclass
from typing import Final

import zmq

_CREDENTIALS_SIZE: Final = 12
"""struct ucred: pid, uid, gid."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One connection, as libzmq and the kernel describe it."""

    routing_id: bytes
    descriptor: int
    inode: int
    uid: int
    pid: int
    #: "host:uid:gid:pid", as libzmq keeps it with the connection; the first is meaningless for a unix socket
    address: str

    @classmethod
    def of(cls, frame: zmq.Frame) -> "Peer":
        """Who sent this."""
        descriptor = int(frame.get(zmq.SRCFD))
        address = str(frame.get("Peer-Address"))
        uid, _, pid = address.split(":")[-3:]
        return cls(frame.bytes, descriptor, _inode(descriptor), int(uid), int(pid), address)

    def has_sent(self, frame: zmq.Frame) -> bool:
        """Whether this comes from the same process, by a connection of the same number.

        No system call. A routing id alone can be chosen by its owner.
        """
        return (
            frame.bytes == self.routing_id
            and frame.get(zmq.SRCFD) == self.descriptor
            and frame.get("Peer-Address") == self.address
        )

    @property
    def is_alive(self) -> bool:
        """Its descriptor is closed at its end, and no other socket ever has its inode."""
        return _inode(self.descriptor) == self.inode


def _inode(descriptor: int) -> int:
    try:
        return os.fstat(descriptor).st_ino
    except OSError:
        return -1


def peer_of(descriptor: int, name: str) -> int | None:
    """The user who has connected to our socket of that name; None if it is no such connection."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as found:
        if found.family == socket.AF_UNIX and _name_of(found) == name:
            credentials = found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS_SIZE)
            return memoryview(credentials).cast("I")[1]
    return None


def hang_up(descriptor: int) -> None:
    """End a connection, which libzmq then notices."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as found:
        found.shutdown(socket.SHUT_RDWR)


def _name_of(found: socket.socket) -> str:
    name = found.getsockname()
    return os.fsdecode(name) if isinstance(name, bytes) else str(name)
