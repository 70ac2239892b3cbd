"""The thread that reads what QEMU shows: answers at once, drains always, believes nothing."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pyrdpmux.mux.picture.cursor import Cursor
from pyrdpmux.mux.qemu.listener import LISTENER, MAP, Listener
from pyrdpmux.mux.qemu.message import (
    FIXED_SIZE,
    Message,
    MessageKind,
    decode_message,
    encode_message,
    method_call,
    read_fixed_part,
)
from pyrdpmux.mux.qemu.picture import Picture, Snapshot
from pyrdpmux.mux.qemu.sockets import make_pair
from pyrdpmux.mux.qemu.wire import Variant
from tests.mux.qemu.fake_qemu import LISTENER_PATH, NO_REPLY, PROPERTIES, X8R8G8B8

SECONDS = 5.0


class Qemu:
    """The other end: blocking, as QEMU's main loop is while it registers a listener."""

    def __init__(self) -> None:
        self.changes = threading.Semaphore(0)
        self.ended: list[str] = []
        self.picture = Picture(self.changes.release)
        ours, self.socket = make_pair()
        self.socket.settimeout(SECONDS)
        self._end = threading.Event()
        self.listener = Listener(ours, self.picture, self._on_end)
        self.authentication = self.socket.recv(4096)
        self._serial = 0

    def _on_end(self, reason: str) -> None:
        self.ended.append(reason)
        self._end.set()

    def welcome(self) -> None:
        self.socket.sendall(b"OK 1234\r\nAGREE_UNIX_FD\r\n")

    def send(
        self,
        member: str,
        signature: str = "",
        *body: Any,
        interface: str = LISTENER,
        descriptors: tuple[int, ...] = (),
        flags: int = NO_REPLY,
    ) -> None:
        self._serial += 1
        message = method_call(
            self._serial,
            LISTENER_PATH,
            interface,
            member,
            signature,
            *body,
            unix_fds=len(descriptors),
            flags=flags,
        )
        data = encode_message(message)
        sent = socket.send_fds(self.socket, [data], list(descriptors))
        self.socket.sendall(data[sent:])

    def answer(self) -> Message:
        data = self._exactly(FIXED_SIZE)
        fixed = read_fixed_part(data)
        return decode_message(data + self._exactly(fixed.padded_fields_size + fixed.body_size))

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self.socket.recv(size - len(data))
        return data

    def take(self) -> Snapshot:
        snapshot = self.picture.take()
        assert snapshot is not None
        return snapshot

    def wait_for_change(self) -> None:
        assert self.changes.acquire(timeout=SECONDS)

    def wait_for_end(self) -> str:
        assert self._end.wait(SECONDS)
        return self.ended[0]


@pytest.fixture
def qemu() -> Iterator[Qemu]:
    qemu = Qemu()
    qemu.welcome()
    yield qemu
    qemu.socket.close()
    qemu.listener.close()
    assert len(qemu.ended) == 1


def scanout(qemu: Qemu, width: int, height: int, value: int, extra: int = 0) -> None:
    pixels = bytes([value]) * (width * height * 4 + extra)
    qemu.send("Scanout", "uuuuay", width, height, width * 4, X8R8G8B8, pixels)


def test_the_authentication_lies_there_before_anybody_reads(qemu: Qemu) -> None:
    """QEMU reads it in its main loop: what is not there stops the VM."""
    identity = str(os.geteuid()).encode().hex()
    expected = f"\0AUTH EXTERNAL {identity}\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"
    assert qemu.authentication == expected.encode()


def test_properties_are_answered(qemu: Qemu) -> None:
    """Also asynchronous to everything else; QEMU's main loop waits for it."""
    qemu.send("GetAll", "s", LISTENER, interface=PROPERTIES, flags=0)
    answer = qemu.answer()
    assert (answer.kind, answer.header.reply_serial) == (MessageKind.METHOD_RETURN, 1)
    assert answer.body == ({"Interfaces": Variant("as", [MAP])},)
    qemu.send("Get", "ss", LISTENER, "Interfaces", interface=PROPERTIES, flags=0)
    assert qemu.answer().body == (Variant("as", [MAP]),)
    qemu.send("Nonsense", "u", 5, flags=0)
    assert qemu.answer().kind == MessageKind.ERROR
    qemu.send("Ping", interface="org.freedesktop.DBus.Peer", flags=0)
    assert qemu.answer().kind == MessageKind.METHOD_RETURN


def test_pictures(qemu: Qemu) -> None:
    scanout(qemu, 300, 200, 1)
    qemu.wait_for_change()
    qemu.send("Update", "iiiiuuay", 10, 20, 2, 2, 8, X8R8G8B8, b"\x05" * 16)
    qemu.send("Ping", interface="org.freedesktop.DBus.Peer", flags=0)
    qemu.answer()  # in order: the update is done
    snapshot = qemu.take()
    expected = np.full((200, 300), 1)
    expected[20:22, 10:12] = 5
    assert (snapshot.surface.pixels[..., 0] == expected).all()


def test_a_picture_that_wants_an_answer_gets_one(qemu: Qemu) -> None:
    qemu.send("Scanout", "uuuuay", 1, 1, 4, X8R8G8B8, bytes(4), flags=0)
    assert qemu.answer().kind == MessageKind.METHOD_RETURN


def test_everything_else(qemu: Qemu) -> None:
    scanout(qemu, 4, 4, 1)
    qemu.wait_for_change()
    qemu.take()
    qemu.send("CursorDefine", "iiiiay", 1, 1, 0, 0, b"\x01\x02\x03\xff")
    qemu.send("MouseSet", "iii", 3, 2, 1)
    qemu.send("Ping", interface="org.freedesktop.DBus.Peer", flags=0)
    qemu.answer()
    snapshot = qemu.take()
    assert isinstance(snapshot.cursor, Cursor)
    assert snapshot.position == (3, 2)
    qemu.send("Disable")
    qemu.send("UpdateDMABUF", "iiii", 0, 0, 1, 1, flags=0)
    assert qemu.answer().kind == MessageKind.METHOD_RETURN
    assert qemu.take().is_off


def test_shared_memory(qemu: Qemu) -> None:
    memory = os.memfd_create("picture")
    os.write(memory, b"\x03" * 64)
    qemu.send("ScanoutMap", "huuuuu", 0, 0, 4, 4, 16, X8R8G8B8, interface=MAP, descriptors=(memory,), flags=0)
    assert qemu.answer().kind == MessageKind.METHOD_RETURN
    os.pwrite(memory, b"\x04" * 16, 0)
    qemu.send("UpdateMap", "iiii", 0, 0, 4, 1, interface=MAP)
    qemu.send("Ping", interface="org.freedesktop.DBus.Peer", flags=0)
    qemu.answer()
    assert qemu.take().surface.pixels[:, 0, 0].tolist() == [4, 3, 3, 3]
    os.ftruncate(memory, 10)
    # A map that cannot be is refused; QEMU goes on with copies.
    qemu.send("ScanoutMap", "huuuuu", 0, 0, 4, 4, 16, X8R8G8B8, interface=MAP, descriptors=(memory,), flags=0)
    assert qemu.answer().kind == MessageKind.ERROR
    os.close(memory)
    scanout(qemu, 4, 4, 9)
    qemu.wait_for_change()


def test_descriptors_that_nobody_wants_are_closed(qemu: Qemu) -> None:
    before = len(os.listdir("/proc/self/fd"))
    reading, writing = os.pipe()
    qemu.send("Nonsense", descriptors=(writing,))
    os.close(writing)
    os.set_blocking(reading, True)
    assert os.read(reading, 1) == b""  # every writing end is closed
    os.close(reading)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("first", [1, 15, 16, 17, 100])
def test_pieces(qemu: Qemu, first: int) -> None:
    """Wherever the stream is cut, the message is the same."""
    message = method_call(
        1, LISTENER_PATH, LISTENER, "Scanout", "uuuuay", 2, 2, 8, X8R8G8B8, b"\x07" * 16, flags=NO_REPLY
    )
    data = encode_message(message) + encode_message(
        method_call(2, LISTENER_PATH, "org.freedesktop.DBus.Peer", "Ping")
    )
    qemu.socket.sendall(data[:first])
    time.sleep(0.002)
    qemu.socket.sendall(data[first:])
    qemu.answer()
    assert qemu.take().surface.pixels[..., 0].tolist() == [[7, 7], [7, 7]]


def test_it_drains_whatever_the_loop_does(qemu: Qemu) -> None:
    """Nobody takes a picture, and a hundred of them go through a socket that holds less than one."""
    for value in range(100):
        scanout(qemu, 640, 400, value)
    qemu.wait_for_change()
    qemu.send("Ping", interface="org.freedesktop.DBus.Peer", flags=0)
    qemu.answer()
    assert not qemu.changes.acquire(blocking=False)  # told once
    assert (qemu.take().surface.pixels[..., 0] == 99).all()


def test_it_ends_when_told_so(qemu: Qemu) -> None:
    qemu.listener.close()
    assert qemu.wait_for_end() == "connection closed"


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        encode_message(
            method_call(1, LISTENER_PATH, LISTENER, "Scanout", "uuuuay", 2, 2, 8, X8R8G8B8, bytes(15))
        ),
        encode_message(method_call(1, LISTENER_PATH, LISTENER, "Update", "iiiiuuay", -1, 0, 1, 1, 4, 0, b"")),
        encode_message(
            method_call(1, LISTENER_PATH, LISTENER, "UpdateMap", "iiii", 0, 0, 1, 1, flags=NO_REPLY)
        ),
        encode_message(method_call(1, LISTENER_PATH, LISTENER, "X", unix_fds=1)),
        bytes.fromhex("6c010001 ffffff7f 01000000 00000000"),
        bytes.fromhex("6c010001 00003000 01000000 00000000"),
    ],
)
def test_nonsense_ends_it(qemu: Qemu, data: bytes) -> None:
    qemu.socket.sendall(data)
    assert qemu.wait_for_end()


def test_refused_authentication_ends_it() -> None:
    qemu = Qemu()
    qemu.socket.sendall(b"REJECTED EXTERNAL\r\n")
    assert "REJECTED" in qemu.wait_for_end()
    qemu.socket.close()
    qemu.listener.close()
