"""Child processes: always ended, always with their last words in the error."""

import itertools
import signal
import socket
import sys
from pathlib import Path

import pytest

from pyrdpmux.harness import programs
from pyrdpmux.harness.programs import (
    PORTS,
    ROOM,
    Program,
    ProgramError,
    free_port,
    is_listening,
    wait_until,
)


def python(tmp_path: Path, code: str, stdin: str = "") -> Program:
    return Program([sys.executable, "-u", "-c", code], tmp_path / "log", stdin=stdin)


def test_output_and_exit_code(tmp_path: Path) -> None:
    with python(tmp_path, "print(input()); raise SystemExit(3)", stdin="hello\n") as program:
        program.wait_for_output("hello", 10.0)
        assert program.wait(10.0) == 3
        assert not program.is_running


def test_stop_ends_the_whole_group(tmp_path: Path) -> None:
    code = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print('up'); p.wait()"
    with python(tmp_path, code) as program:
        program.wait_for_output("up", 10.0)
        assert program.stop() == -signal.SIGTERM
    assert program.stop() == -signal.SIGTERM, "a second time changes nothing"


def test_a_stopped_program_is_ended_too(tmp_path: Path) -> None:
    with python(tmp_path, "print('up'); input('')", stdin="") as program:
        pass
    assert not program.is_running
    with python(tmp_path, "import time; print('up'); time.sleep(60)") as program:
        program.wait_for_output("up", 10.0)
        program.signal(signal.SIGSTOP)
        assert program.stop() < 0


def test_an_early_end_is_told_with_the_last_words(tmp_path: Path) -> None:
    complaint = r"ended with 4 while waiting for 'ready'[\s\S]*no display"
    with (
        python(tmp_path, "print('no display'); raise SystemExit(4)") as program,
        pytest.raises(ProgramError, match=complaint),
    ):
        program.wait_for_output("ready", 10.0)


def test_waiting_has_an_end(tmp_path: Path) -> None:
    with python(tmp_path, "import time; time.sleep(60)") as program:
        with pytest.raises(ProgramError, match=r"still runs after 0\.05 s"):
            program.wait(0.05)
        with pytest.raises(ProgramError, match=r"not within 0\.05 s"):
            program.wait_for_output("never", 0.05)
    with pytest.raises(ProgramError, match=r"pigs: not within 0\.01 s"):
        wait_until(lambda: False, 0.01, "pigs")


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names of sockets")
def test_a_free_port_is_told_to_one_process(tmp_path: Path) -> None:
    """Whoever was told it may be about to start what listens there."""
    port = free_port()
    code = (
        "from pyrdpmux.harness import programs as p\n"
        f"p._ports = iter([{port}, {port + ROOM}, {port + 2 * ROOM}])\n"
        "print('told', p.free_port(), flush=True)"
    )
    with python(tmp_path, code) as program:
        program.wait_for_output("told", 10.0)
        assert program.wait(10.0) == 0
        told = int(program.output.split()[-1])
    assert told in (port + ROOM, port + 2 * ROOM)


def test_a_free_port_has_room_after_it() -> None:
    ports = [free_port() for _ in range(20)]
    with socket.create_server(("127.0.0.1", ports[-1] + ROOM)) as taken:
        ports.append(free_port())
        assert taken.getsockname()[1] not in ports
    assert len(set(ports)) == len(ports)
    assert all((port - PORTS.start) % ROOM == 0 for port in ports)


def test_none_is_told_if_none_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(programs, "_ports", itertools.cycle([taken.getsockname()[1]]))
        with pytest.raises(ProgramError, match="is free"):
            free_port()


def test_listening_is_seen_without_connecting() -> None:
    port = free_port()
    assert not is_listening(port)
    with socket.create_server(("127.0.0.1", port)) as listener:
        assert is_listening(port)
        listener.settimeout(0.0)
        with pytest.raises(BlockingIOError):
            listener.accept()
