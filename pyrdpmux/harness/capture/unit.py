"""Units: the messages of a captured connection as their framing tells them apart."""

from dataclasses import dataclass
from enum import Enum

from pyrdpmux.harness.capture.stop import Direction


class UnitKind(Enum):
    """What kind of message a unit is, as far as its framing says."""

    #: which desktop is wanted (MS-RDPEPS)
    PRECONNECTION = "pcb"
    X224 = "x224"
    #: a handshake message of TLS
    TLS_HANDSHAKE = "tls"
    TLS_ALERT = "alert"
    #: a TLS record whose key is not there
    TLS_CIPHERTEXT = "cipher"
    TS_REQUEST = "tsreq"
    EARLY_USER_AUTH = "eua"
    TPKT = "tpkt"
    FAST_PATH = "fp"
    #: bytes are missing here; the unit itself is empty
    GAP = "gap"


#: What is TLS's own, and says nothing of RDP.
TLS_KINDS = frozenset({UnitKind.TLS_HANDSHAKE, UnitKind.TLS_ALERT, UnitKind.TLS_CIPHERTEXT})


@dataclass(frozen=True, slots=True)
class Unit:
    """One message of one side. ``number`` is the captured packet that completed it."""

    direction: Direction
    kind: UnitKind
    data: bytes
    number: int = 0
    time: float = 0.0
