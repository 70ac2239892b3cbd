"""What the kernel is told about a viewer's TCP socket, and what it says of it.

The kernel may have any amount *under way*, as the congestion window allows, and holds little that it has *not
sent* yet (TCP_NOTSENT_LOWAT): what waits there is stale before it arrives, and can no longer be overtaken.
"""

import array
import fcntl
import socket
import sys
import termios
from typing import Final

#: a viewer whose cable is cut is gone after about a minute, whether we have something to send or not
KEEPALIVE: Final = (
    (socket.TCP_KEEPIDLE, 30),
    (socket.TCP_KEEPINTVL, 10),
    (socket.TCP_KEEPCNT, 3),
    (socket.TCP_USER_TIMEOUT, 60_000),
)

NOT_SENT: Final = 32 * 1024
"""Bytes that the kernel takes beyond what it can send, and a buffer of its own (64 KiB). It asks for more
when half of them are left: 0.25 ms at 500 Mbit/s, in which the loop has to turn once."""

SEND_BUFFER: Final = 256 * 1024
"""Where the kernel cannot be told so: all that it may hold. It is too little for a fast link that is long."""

SIOCOUTQNSD: Final = 0x894B
"""linux/sockios.h: bytes that were not sent yet. TIOCOUTQ counts those that were not acknowledged, too."""

_INT: Final = bytes(4)

RTT_AT: Final = 17
"""linux/tcp.h: tcpi_rtt, in microseconds, is this number of 32 bits in TCP_INFO."""

DELIVERY_RATE_AT: Final = 40
"""linux/tcp.h: tcpi_delivery_rate, in bytes a second, are these two, from Linux 4.9 on."""


def tune(raw: socket.socket) -> None:
    """Options of a viewer's socket; of one that is not TCP none."""
    if not is_tcp(raw):
        return
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE:
        raw.setsockopt(socket.IPPROTO_TCP, option, value)
    if not limit_unsent(raw, NOT_SENT):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)


def is_tcp(raw: socket.socket) -> bool:
    return raw.family in (socket.AF_INET, socket.AF_INET6)


def limit_unsent(raw: socket.socket, size: int) -> bool:
    """How much the kernel takes beyond what it can send. False where it cannot be told.

    With it the send buffer is best left to the kernel: it grows with the congestion window.
    """
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if option is None or not is_tcp(raw):
        return False
    try:
        raw.setsockopt(socket.IPPROTO_TCP, option, size)
    except OSError:
        return False
    return True


def outstanding(raw: socket.socket) -> tuple[int, int]:
    """Bytes that the kernel has not sent yet, and those not acknowledged; 0 where it does not say."""
    if raw.fileno() < 0 or not (all_of_it := _asked(raw, termios.TIOCOUTQ)) or not is_tcp(raw):
        return 0, 0
    unsent = _asked(raw, SIOCOUTQNSD)
    return unsent, max(all_of_it - unsent, 0)


def _asked(raw: socket.socket, request: int) -> int:
    try:
        return array.array("i", fcntl.ioctl(raw.fileno(), request, _INT))[0]
    except OSError:
        return 0


def round_trip(raw: socket.socket) -> float | None:
    """Seconds, as TCP has smoothed them: between the kernels, so without the client's own work."""
    words = _told(raw, RTT_AT + 1)
    return words[RTT_AT] / 1e6 if words and words[RTT_AT] else None


def delivery_rate(raw: socket.socket) -> int | None:
    """Bytes a second that have arrived of late, in the peer's kernel; None where that is not told."""
    words = _told(raw, DELIVERY_RATE_AT + 2)
    if words is None:
        return None
    low, high = words[DELIVERY_RATE_AT : DELIVERY_RATE_AT + 2]
    if sys.byteorder == "big":
        low, high = high, low
    return low | high << 32 or None


def _told(raw: socket.socket, count: int) -> "array.array[int] | None":
    """The first numbers of 32 bits of TCP_INFO; None where there are not so many."""
    if raw.fileno() < 0 or not is_tcp(raw):
        return None
    words = array.array("I")
    try:
        words.frombytes(raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 4 * count))
    except (OSError, ValueError):
        return None
    return words if len(words) == count else None
