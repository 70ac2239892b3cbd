"""The five protocol versions (section 1), as a table of what differs between them.

Version 4 exists twice: as it was released, and as it was for a day before, counting message types from 0 and
waiting for acknowledgements ("4a"). Only a VM's first message tells which.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class Transport(Enum):
    """Who carries the messages (section 3)."""

    #: nanomsg, a socket per VM
    PAIR = auto()
    #: ZeroMQ, the VM's UUID in front of each message
    ROUTER = auto()


class Acknowledgement(Enum):
    """What a VM that has announced an update waits for."""

    NONE = auto()
    PLAIN = auto()
    #: with the number of frames per second that its display should be refreshed at
    WITH_RATE = auto()


@dataclass(frozen=True, slots=True)
class Dialect:
    """How messages are numbered and answered."""

    #: the type of DISPLAY_UPDATE; the others follow
    base: int
    acknowledgement: Acknowledgement


@dataclass(frozen=True, slots=True)
class Protocol:
    """One version."""

    version: int
    #: of Register: what the released library sends comes first
    signatures: tuple[str, ...]
    transport: Transport
    #: the released one first
    dialects: tuple[Dialect, ...]

    def dialect_of(self, base: int) -> Dialect | None:
        """The one that counts from ``base``."""
        return next((dialect for dialect in self.dialects if dialect.base == base), None)


_PLAIN: Final = Dialect(0, Acknowledgement.PLAIN)
_WITH_RATE: Final = Dialect(0, Acknowledgement.WITH_RATE)
_SILENT: Final = Dialect(1, Acknowledgement.NONE)

PROTOCOLS: Final = {
    protocol.version: protocol
    for protocol in (
        Protocol(1, ("ii",), Transport.PAIR, (_PLAIN,)),
        Protocol(2, ("iis",), Transport.PAIR, (_PLAIN,)),
        Protocol(3, ("iis",), Transport.ROUTER, (_WITH_RATE,)),
        Protocol(4, ("iisq", "iisqs"), Transport.ROUTER, (_SILENT, _WITH_RATE)),
        Protocol(5, ("iisqs",), Transport.ROUTER, (_SILENT,)),
    )
}

NEWEST: Final = max(PROTOCOLS)

WATCHED_RATE: Final = 60
"""Frames per second that a library is asked for while somebody looks at its VM; 60 are the most."""

UNWATCHED_RATE: Final = 5
"""And while nobody does. Never 0, by which the library of version 3 would divide."""
