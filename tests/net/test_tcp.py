"""What the kernel is told about a socket, and what it says: on 127.0.0.1."""

import socket
from collections.abc import Iterator

import pytest

from pyrdpmux.net import tcp

MOST_UNSENT = tcp.NOT_SENT + 128 * 1024
"""A buffer of the kernel's own may be filled beyond the limit."""


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Ours, and a client that does not read."""
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        client.connect(listening.getsockname())
        ours, _ = listening.accept()
        with ours:
            ours.setblocking(False)
            yield ours, client


def fill(ours: socket.socket) -> int:
    """Bytes that are taken until none are."""
    taken = 0
    try:
        while True:
            taken += ours.send(bytes(1 << 20))
    except BlockingIOError:
        return taken


def test_options(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    tcp.tune(ours)
    assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == tcp.NOT_SENT
    for option, value in tcp.KEEPALIVE:
        assert ours.getsockopt(socket.IPPROTO_TCP, option) == value


def test_the_kernel_holds_little_for_a_client_that_does_not_read(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, client = pair
    tcp.tune(ours)
    taken = fill(ours)
    unsent, in_flight = tcp.outstanding(ours)
    assert 0 < unsent <= MOST_UNSENT
    assert in_flight >= 0
    assert unsent + in_flight < taken <= 64 * 1024 * 4 + MOST_UNSENT
    client.settimeout(5)
    received = 0
    while received < taken:
        received += len(client.recv(1 << 20))
    assert tcp.outstanding(ours)[0] == 0


def test_without_the_option_the_buffer_is_small(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = pair
    monkeypatch.delattr(socket, "TCP_NOTSENT_LOWAT")
    tcp.tune(ours)
    size = ours.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    assert size <= 2 * tcp.SEND_BUFFER
    assert fill(ours) < 4 * tcp.SEND_BUFFER


def test_a_kernel_that_does_not_know_the_option(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = pair
    monkeypatch.setattr(socket, "TCP_NOTSENT_LOWAT", 999)
    assert not tcp.limit_unsent(ours, 1000)


def test_tcp_knows_its_round_trip(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, client = pair
    client.settimeout(5)
    ours.send(b"x")
    client.recv(1)
    seconds = tcp.round_trip(ours)
    assert seconds is not None
    assert 0 < seconds < 1


def test_tcp_knows_what_arrives(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, client = pair
    client.settimeout(5)
    for _ in range(20):
        ours.send(bytes(10_000))
        read = 0
        while read < 10_000:
            read += len(client.recv(10_000))
    rate = tcp.delivery_rate(ours)
    assert rate is not None
    assert 1e5 < rate < 1e12


def test_other_sockets_and_closed_ones_are_left_alone(pair: tuple[socket.socket, socket.socket]) -> None:
    one, other = socket.socketpair()
    with one, other:
        tcp.tune(one)
        one.send(b"something")
        assert tcp.outstanding(one) == (0, 0)
        assert tcp.round_trip(one) is None
        assert tcp.delivery_rate(one) is None
        assert not tcp.limit_unsent(one, 1000)
    ours, _ = pair
    ours.close()
    assert tcp.outstanding(ours) == (0, 0)
    assert tcp.round_trip(ours) is None
    assert tcp.delivery_rate(ours) is None
