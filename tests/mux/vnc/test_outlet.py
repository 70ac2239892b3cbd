"""What goes to a server that reads, and to one that does not."""

import socket
from collections.abc import Iterator

import pytest

from pyrdpmux.mux.vnc import outlet
from pyrdpmux.mux.vnc.outlet import CONGESTED, Outlet
from tests.rfb.scripted import connected_client


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def test_what_is_queued_is_sent_at_once(ends: tuple[socket.socket, socket.socket]) -> None:
    client = connected_client()
    ours, theirs = ends
    out = Outlet(ours, client)
    client.send_pointer(0, 1, 2)
    assert out.flush()
    assert theirs.recv(100).hex() == "050000010002"
    assert (out.unsent, out.is_congested) == (0, False)
    assert out.flush()


def test_a_server_that_does_not_read(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet, "MAX_UNSENT", 2 * CONGESTED)
    client = connected_client()
    ours, theirs = ends
    out = Outlet(ours, client)
    sent = 0
    while out.flush():
        assert out.is_congested == (out.unsent > CONGESTED)
        for _ in range(100):
            client.send_pointer(0, sent >> 8 & 255, sent & 255)
            sent += 1
    assert out.unsent > 2 * CONGESTED
    received = bytearray()
    while out.unsent:
        received += theirs.recv(1 << 20)
        out.flush()
    while len(received) < 6 * sent:
        received += theirs.recv(1 << 20)
    assert received == b"".join([bytes([5, 0, 0, n >> 8 & 255, 0, n & 255]) for n in range(sent)])


def test_a_server_that_has_gone(ends: tuple[socket.socket, socket.socket]) -> None:
    client = connected_client()
    ours, theirs = ends
    theirs.close()
    client.send_pointer(0, 1, 2)
    out = Outlet(ours, client)
    assert out.flush()
    assert out.unsent == 0
