"""A log for what strangers cause: one line per kind and second, and then how many were left out."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

SECONDS: Final = 1.0
"""Between two lines of one kind."""

MAX_KINDS: Final = 64
"""Kinds that are told apart; more at a time are one."""

OTHERS: Final = "(others)"
"""That one."""

_ACCEPT_FAILED: Final = "socket.accept() out of system resource"
"""asyncio's words, for each listening socket once a second and with a traceback."""


@dataclass(slots=True)
class _Kind:
    logged_at: float
    left_out: int = 0


class RateLimitedLog:
    """On top of a logger, which may be shared."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}

    def warning(self, kind: str, text: str, *arguments: object) -> None:
        """``kind`` is not shown; foreign ``arguments`` are for the caller to make printable."""
        now = self._clock()
        known = self._kinds.get(kind)
        if known is None and len(self._kinds) >= MAX_KINDS:
            self._forget(now)
            if len(self._kinds) >= MAX_KINDS:
                kind = OTHERS
                known = self._kinds.get(kind)
        if known is None:
            self._kinds[kind] = _Kind(now)
        elif now < known.logged_at + SECONDS:
            known.left_out += 1
            return
        else:
            if known.left_out:
                text, arguments = f"{text} (%d more like this were not logged)", (*arguments, known.left_out)
            known.logged_at, known.left_out = now, 0
        self._logger.warning(text, *arguments)

    def _forget(self, now: float) -> None:
        """Kinds that have been quiet: what was left out of them is old news."""
        self._kinds = {
            name: kind
            for name, kind in self._kinds.items()
            if name == OTHERS or now < kind.logged_at + SECONDS
        }


def quiet_accept_errors(loop: asyncio.AbstractEventLoop, log: RateLimitedLog) -> None:
    """Let ``log`` have what asyncio says when there are no descriptors for new connections."""
    previous = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if context.get("message") == _ACCEPT_FAILED:
            log.warning("accept", "A connection waits to be accepted: %s", context.get("exception"))
        elif previous is not None:
            previous(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
