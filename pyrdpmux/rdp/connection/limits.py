"""Every bound of a connection, named, each with the reason for its value."""

from dataclasses import dataclass
from typing import Final

#: Of the Channel Connection: one Erect Domain, one Attach User, and joins of at most 31 static virtual
#: channels (MS-RDPBCGR 2.2.1.3.4), I/O, message and user channel. Repeats are harmless, endless ones are not.
MAX_CHANNEL_REQUESTS: Final = 64


#: What a client may send while we wait for the answer whether its password is right: it has nothing to say
#: then but the rest of what it has begun, which one read of the owner's may bring along.
MAX_HELD_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a peer may take of us. All times in seconds."""

    #: a scanner that connects and says nothing; mstsc and FreeRDP send their request at once
    connection_initiation: float = 10.0
    #: from our Connection Confirm to the client's whole ClientHello, which no client asks anybody about
    client_hello: float = 10.0
    #: people look at a certificate warning or type a password: for the rest of TLS and all of NLA together
    security: float = 120.0
    #: from MCS connect to Active there is nobody to wait for
    settings: float = 30.0
    #: connect-time auto-detect goes on without an answer after this
    auto_detection: float = 1.5
    #: one channel message after reassembly (MS-RDPBCGR 2.2.6.1 puts no bound on it); a peer may have one
    #: unfinished on each of its 31 static channels, and on each dynamic one that was opened, at most 64
    channel_message_bytes: int = 1024 * 1024
