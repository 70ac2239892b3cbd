"""How many descriptors this process may have, and which of them are kept for people who connect."""

import logging
import os
import resource
from typing import Final

log = logging.getLogger("pyrdpmux.mux")

RESERVE: Final = 256
"""Descriptors that no VM gets: without one, no port accepts a connection any more."""

RESERVED_PART: Final = 4
"""Of a limit that is small, one in so many is kept."""


def raise_limit() -> int:
    """Raise the soft limit of open descriptors to the hard one; returns the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError) as error:  # a hard limit beyond what the kernel has now
            log.warning("The limit of %d descriptors stays: %s", soft, error)
    return limit()


def limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def reserved() -> int:
    """Descriptors, of :func:`limit`, that no VM gets."""
    return min(RESERVE, limit() // RESERVED_PART)


def has_room_for(count: int) -> bool:
    """Whether so many more leave the reserve alone.

    The kernel hands out the lowest numbers that are free, so it is enough to see which it would be: to count
    those in use takes longer the more there are.
    """
    line = limit() - reserved()
    opened: list[int] = []
    try:
        for _ in range(count):
            opened.append(os.dup(opened[0]) if opened else os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
            if opened[-1] >= line:
                return False
    except OSError:
        return False
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return True
