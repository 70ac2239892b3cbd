"""Foreign programs as child processes: started with a log file, always stopped by their own pid."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

ROOM: Final = 32
"""Ports between one that :func:`free_port` tells and the next: a daemon takes those after it for its VMs."""

PORTS: Final = range(10_000, 32_768, ROOM)
"""Below those that Linux gives to who asks for any: it might be another's before it is used."""

_FIRST: Final = os.getpid() * 101 % len(PORTS)
"""Tests run in several processes at a time, whose numbers are near each other."""

_ports: Iterator[int] = itertools.cycle((*PORTS[_FIRST:], *PORTS[:_FIRST]))

_CLAIMED: Final = 64
_claims: deque[socket.socket] = deque()
"""Names of this process's latest ports, which no other process is told while it may not yet use its own."""

POLL_SECONDS: Final = 0.02
STOP_SECONDS: Final = 5.0


class ProgramError(Exception):
    """A foreign program did not start, stop or say what it should; the text carries the end of its log."""


def wait_until(condition: Callable[[], bool], timeout: float, what: str) -> None:
    """Poll ``condition`` until it holds; ProgramError naming ``what`` after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() >= deadline:
            raise ProgramError(f"{what}: not within {timeout:g} s")
        time.sleep(POLL_SECONDS)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago, another one each time."""
    for port in itertools.islice(_ports, len(PORTS)):
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            _claim(port)
            return port
    raise ProgramError(f"no port of {PORTS} is free")


def _claim(port: int) -> None:
    """OSError if another process has been told it lately. Linux has names for that which end with us."""
    if sys.platform != "linux":
        return
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0pyrdpmux-port-{port}")
    except OSError:
        claim.close()
        raise
    _claims.append(claim)
    if len(_claims) > _CLAIMED:
        _claims.popleft().close()


def is_listening(port: int) -> bool:
    """Whether somebody listens on 127.0.0.1:``port``; asks the kernel, so that the listener sees nothing."""
    wanted = f"0100007F:{port:04X}", f"00000000:{port:04X}"
    wanted_v6 = f":{port:04X}"
    for path, match in (("/proc/net/tcp", wanted), ("/proc/net/tcp6", (wanted_v6,))):
        if not Path(path).exists():
            continue
        for line in Path(path).read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[1].endswith(match):
                return True
    return False


class Program:
    """One child process in a process group of its own, with its output in ``log``."""

    def __init__(
        self, argv: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None, stdin: str = ""
    ) -> None:
        self.name = Path(argv[0]).name
        self.log = log
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                [str(word) for word in argv],
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError), self._process.stdin as pipe:
                pipe.write(stdin.encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        """What the program has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal number if a signal ended it."""
        return self._process.poll()

    def wait(self, timeout: float) -> int:
        """The exit code, once the program has ended by itself."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise self.failure(f"still runs after {timeout:g} s") from None

    def wait_for_output(self, text: str, timeout: float) -> None:
        self.wait_until(lambda: text in self.output, timeout, f"waiting for {text!r} in its output")

    def wait_for_port(self, port: int, timeout: float = 10.0) -> None:
        self.wait_until(lambda: is_listening(port), timeout, f"waiting for it to listen on port {port}")

    def wait_until(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        """Like the function of that name, but a program that ends meanwhile is an error at once."""
        deadline = time.monotonic() + timeout
        while not condition():
            if not self.is_running:
                if condition():
                    return
                raise self.failure(f"ended with {self.exit_code} while {what}")
            if time.monotonic() >= deadline:
                raise self.failure(f"{what}: not within {timeout:g} s")
            time.sleep(POLL_SECONDS)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program's whole group (SIGSTOP, SIGCONT, SIGKILL ...)."""
        if self.is_running:
            os.killpg(self._process.pid, number)

    def kill(self) -> int:
        """End it without a chance to say anything."""
        self.signal(signal.SIGKILL)
        return self._process.wait()

    def stop(self) -> int:
        """End it: politely, then by force. Safe to call twice."""
        if self.is_running:
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGCONT)
            try:
                return self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)
        return self._process.wait()

    def failure(self, what: str) -> ProgramError:
        tail = "\n".join(self.output.splitlines()[-30:])
        return ProgramError(f"{self.name} (pid {self.pid}): {what}\n--- end of {self.log}:\n{tail}")
