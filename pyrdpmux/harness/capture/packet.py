"""What a capture file holds: packets, and what stands beside them."""

from dataclasses import dataclass

from pyrdpmux.harness.capture.stop import Stop
from pyrdpmux.wire import OpenIntEnum


class LinkType(OpenIntEnum):
    """LINKTYPE_ values of tcpdump.org."""

    NULL = 0
    ETHERNET = 1
    RAW = 101
    LINUX_SLL = 113
    IPV4 = 228
    IPV6 = 229
    #: messages that Wireshark has already taken out of TCP and TLS ("Export PDUs")
    WIRESHARK_UPPER_PDU = 252
    LINUX_SLL2 = 276


@dataclass(frozen=True, slots=True)
class Packet:
    """One captured frame; ``time`` in seconds since 1970.

    ``missing_size``: bytes of the frame behind ``data`` that the snapshot length left out.
    """

    time: float
    link_type: LinkType
    data: bytes
    missing_size: int = 0


@dataclass(frozen=True, slots=True)
class CaptureFile:
    """Everything that could be read of one file.

    ``key_logs``: TLS secrets that the file itself carries, as texts in NSS format. ``stops``: where the
    file is cut or broken; the packets before that are there.
    """

    packets: tuple[Packet, ...]
    key_logs: tuple[str, ...] = ()
    stops: tuple[Stop, ...] = ()
