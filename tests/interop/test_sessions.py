"""Sessions that do not go straight on: resizes, several viewers, wrong passwords, clients that die."""

import contextlib
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from pyrdpmux.mux.control.diagnostics import PROCESS, memory
from tests.interop.client import colorful, rdesktop, shown, xfreerdp
from tests.interop.conftest import Start
from tests.interop.console import Console

STALL_SECONDS = 10.0
MEGABYTE = 1 << 20


def resident_bytes() -> int:
    """Memory of this process, in which the daemon is a thread."""
    return memory(PROCESS)["now"]


@pytest.mark.parametrize("security", ["nla", "rdp"])
def test_a_resize_reaches_the_client(console: Console, start: Start, security: str) -> None:
    client = start(xfreerdp(console.port, security))
    for width, height in ((800, 600), (1024, 768), (641, 479), (800, 600)):
        console.switch(width, height)
        console.paint(colorful(width, height))
        client.wait_for_picture(shown(console.picture, 32))
    assert client.program.is_running


def test_a_resize_reaches_rdesktop(console: Console, start: Start) -> None:
    """It follows by deactivation and reactivation as well, without being told of monitors."""
    client = start(rdesktop(console.port, 16, "-g", "800x600"))
    for width, height in ((800, 600), (1024, 768), (640, 480)):
        console.switch(width, height)
        console.paint(colorful(width, height))
        client.wait_for_picture(shown(console.picture, 16, client="rdesktop"))


def test_viewers_of_every_kind_see_the_same(console: Console, start: Start) -> None:
    console.paint(colorful(800, 600))
    one = start(xfreerdp(console.port, "nla", 32))
    one.wait_for_picture(shown(console.picture, 32))
    two = start(xfreerdp(console.port, "rdp", 16))
    two.wait_for_picture(shown(console.picture, 16))
    three = start(rdesktop(console.port, 24, "-g", "800x600"))
    three.wait_for_picture(shown(console.picture, 24))
    console.wait_for_viewers(3)
    console.paint(colorful(333, 222, seed=3), 100, 50)
    for client, depth in ((one, 32), (two, 16), (three, 24)):
        client.wait_for_picture(shown(console.picture, depth))
    two.program.kill()
    console.wait_for_viewers(2)
    console.paint(colorful(50, 60, seed=4), 700, 500)
    for client, depth in ((one, 32), (three, 24)):
        client.wait_for_picture(shown(console.picture, depth))


def test_a_wrong_password_is_said_so(console: Console, start: Start) -> None:
    client = start(xfreerdp(console.port, "nla", password="incorrect horse"))
    assert client.program.wait(20.0) != 0
    assert "ERRCONNECT_LOGON_FAILURE" in client.program.output
    assert console.viewer_count == 0


def test_a_client_that_leaves_is_gone(console: Console, start: Start) -> None:
    console.paint(colorful(800, 600))
    client = start(xfreerdp(console.port, "tls"))
    client.wait_for_picture(shown(console.picture, 32))
    console.wait_for_viewers(1)
    client.close_window()
    client.program.wait(10.0)
    console.wait_for_viewers(0)


def test_a_killed_client_is_gone_and_the_next_is_served(console: Console, start: Start) -> None:
    console.paint(colorful(800, 600))
    client = start(xfreerdp(console.port, "nla"))
    client.wait_for_picture(shown(console.picture, 32))
    client.program.kill()
    console.wait_for_viewers(0)
    start(xfreerdp(console.port, "nla")).wait_for_picture(shown(console.picture, 32))


def test_the_user_is_told_why_the_console_goes(tmp_path: Path, start: Start) -> None:
    with Console(tmp_path) as console:
        console.paint(colorful(800, 600))
        client = start(xfreerdp(console.port, "tls"))
        client.wait_for_picture(shown(console.picture, 32))
    client.program.wait(10.0)
    assert "ERRINFO_" in client.program.output


def test_a_stalled_client_delays_nobody_and_catches_up(console: Console, start: Start) -> None:
    """SIGSTOP for ten seconds while the whole screen changes ten times a second, by noise."""
    console.paint(colorful(800, 600))
    stalled = start(xfreerdp(console.port, "tls"))
    other = start(xfreerdp(console.port, "tls", 24))
    for client in (stalled, other):
        client.wait_for_picture(shown(console.picture, 32))
    frames = [noise(800, 600, seed) for seed in range(10)]
    for frame in frames:  # the buffers of the first frames are not the stalled client's
        console.paint(frame)
        time.sleep(0.1)
    stalled.program.signal(signal.SIGSTOP)
    before = resident_bytes()
    until = time.monotonic() + STALL_SECONDS
    count = 0
    while time.monotonic() < until:
        console.paint(frames[count % len(frames)])
        count += 1
        if count % 25 == 0:
            other.wait_for_picture(shown(console.picture, 32), timeout=5.0)
        time.sleep(0.1)
    grown = resident_bytes() - before
    assert grown < 40 * MEGABYTE, f"{grown / MEGABYTE:.0f} MiB more after {count} frames"
    assert count > 30, "the other client and the VM were slowed down"
    stalled.program.signal(signal.SIGCONT)
    stalled.wait_for_picture(shown(console.picture, 32))
    console.paint(colorful(90, 90, seed=5), 300, 300)
    stalled.wait_for_picture(shown(console.picture, 32))


def noise(width: int, height: int, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    picture = np.zeros((height, width, 4), np.uint8)
    picture[..., :3] = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    return picture


@contextmanager
def strangers(port: int) -> Iterator[list[socket.socket]]:
    """Connections that say nothing, half of something, or nonsense, and stay."""
    sayings = [
        b"",
        b"\x03",
        b"\x03\x00\x00\x13",
        b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x01\x00\x00\x00",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\xff" * 4096,
    ]
    with ExitStack() as stack:
        connections = []
        for saying in sayings:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10.0))
            connection.sendall(saying)
            connections.append(connection)
        yield connections


def test_garbage_and_half_open_connections_hinder_nobody(console: Console, start: Start) -> None:
    console.paint(colorful(800, 600))
    with strangers(console.port) as connections:
        client = start(xfreerdp(console.port, "nla"))
        client.wait_for_picture(shown(console.picture, 32))
        for connection in connections[-2:]:  # nonsense is answered by the end of the connection
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(100) == b""
        with strangers(console.port):
            console.paint(colorful(200, 100, seed=2), 5, 6)
            client.wait_for_picture(shown(console.picture, 32))
        console.wait_for_viewers(1)
    assert client.program.is_running
