"""What a service of systemd's ``Type=notify`` tells its manager (sd_notify(3)), if there is one."""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

logger = logging.getLogger("pyrdpmux.mux")

PINGS_PER_INTERVAL: Final = 3
"""Of the watchdog: one that comes late must not end the daemon."""


class ServiceManager:
    """Silent where nobody asked to be told."""

    def __init__(self, address: str = "", watchdog_seconds: float | None = None) -> None:
        self._address = address
        self._watchdog_seconds = watchdog_seconds
        self._ping: asyncio.TimerHandle | None = None

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] | None = None) -> "ServiceManager":
        """NOTIFY_SOCKET and WATCHDOG_USEC; the latter may be meant for another process (WATCHDOG_PID)."""
        variables = os.environ if environment is None else environment
        microseconds = variables.get("WATCHDOG_USEC", "")
        is_ours = variables.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
        has_watchdog = is_ours and microseconds.isascii() and microseconds.isdigit() and int(microseconds) > 0
        return cls(variables.get("NOTIFY_SOCKET", ""), int(microseconds) / 1e6 if has_watchdog else None)

    def ready(self, status: Callable[[], str]) -> None:
        """Everything has been started. ``status`` says in a line what the daemon does, now and later."""
        self._tell("READY=1", f"STATUS={status()}")
        if self._watchdog_seconds is not None:
            self._watch(asyncio.get_running_loop(), self._watchdog_seconds / PINGS_PER_INTERVAL, status)

    def stopping(self) -> None:
        """The end has begun; it takes as long as viewers take to hear it."""
        self._tell("STOPPING=1")
        if self._ping is not None:
            self._ping.cancel()
            self._ping = None

    @contextlib.contextmanager
    def reloading(self) -> Iterator[None]:
        """The configuration is being read again."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell("RELOADING=1", f"MONOTONIC_USEC={now}")
        try:
            yield
        finally:
            self._tell("READY=1")

    def _watch(self, loop: asyncio.AbstractEventLoop, seconds: float, status: Callable[[], str]) -> None:
        """From the event loop, which is what must not stand still."""
        self._tell("WATCHDOG=1", f"STATUS={status()}")
        self._ping = loop.call_later(seconds, self._watch, loop, seconds, status)

    def _tell(self, *assignments: str) -> None:
        if not self._address:
            return
        # "@" begins a name in the abstract namespace
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as notifying:
                notifying.sendto("\n".join(assignments).encode(), address)
        except OSError as error:
            logger.debug("The service manager cannot be told %s: %s", assignments[0], error)
