"""Programs that read and compute, and such that do not."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrdpmux.harness.processes import is_stuck, processor_seconds, unread_bytes
from pyrdpmux.harness.programs import Program, wait_until

CONNECT = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
SLEEPS = CONNECT + "print('here', flush=True); sys.stdin.read(); import time; time.sleep(60)"
READS = CONNECT + "print('here', flush=True)\nwhile s.recv(1000): pass"
COMPUTES = CONNECT + "print('here', flush=True)\nwhile True: pass"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def start(listener: socket.socket, folder: Path, code: str) -> tuple[Program, socket.socket]:
    program = Program([sys.executable, "-c", code, str(listener.getsockname()[1])], folder / "log")
    peer, _ = listener.accept()
    program.wait_for_output("here", 20.0)
    return program, peer


def test_who_neither_reads_nor_computes_is_stuck(listener: socket.socket, tmp_path: Path) -> None:
    program, peer = start(listener, tmp_path, SLEEPS)
    with program, peer:
        assert not is_stuck(program.pid, 0.2)  # there is nothing to read
        peer.sendall(b"something")
        wait_until(lambda: unread_bytes(program.pid) == 9, 5.0, "what was sent")
        assert is_stuck(program.pid, 0.2)


def test_who_reads_is_not(listener: socket.socket, tmp_path: Path) -> None:
    program, peer = start(listener, tmp_path, READS)
    with program, peer:
        peer.sendall(bytes(1 << 22))
        assert not is_stuck(program.pid, 1.0)
        wait_until(lambda: unread_bytes(program.pid) == 0, 5.0, "its reading")


def test_who_computes_is_not(listener: socket.socket, tmp_path: Path) -> None:
    program, peer = start(listener, tmp_path, COMPUTES)
    with program, peer:
        peer.sendall(b"something")
        wait_until(lambda: unread_bytes(program.pid) == 9, 5.0, "what was sent")
        assert not is_stuck(program.pid, 1.0)


def test_who_has_ended_is_not() -> None:
    with Program(["true"], Path("/dev/null")) as program:
        program.wait(10.0)
        assert not is_stuck(program.pid)
        assert (processor_seconds(program.pid), unread_bytes(program.pid)) == (0.0, 0)
