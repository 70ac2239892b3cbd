"""What the owner of a server connection decides in advance."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from pyrdpmux.rdp.connection.limits import Limits
from pyrdpmux.rdp.connection.server.selection import Selector
from pyrdpmux.rdp.connection.trace import NullTracer, Tracer
from pyrdpmux.rdp.tls.certificate import Certificate
from pyrdpmux.rdp.tls.logon import AccountCheck, Proof
from pyrdpmux.rdp.tls.server_certificate import RsaKey
from pyrdpmux.rdp.tls.standard import EncryptionLevel, EncryptionMethod


class AutoReconnectStore(Protocol):
    """Remembers the cookies that were handed out (MS-RDPBCGR 5.5)."""

    def issue(self, user: str) -> tuple[int, bytes]:
        """A logon id and 16 random bytes for this user."""
        ...

    def verify(self, logon_id: int, security_verifier: bytes, client_random: bytes) -> str | None:
        """The user whose cookie made this verifier, or None. The cookie is used up."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardSecurityOptions:
    """Standard RDP security (MS-RDPBCGR 5.3): only for legacy clients on networks one trusts."""

    key: RsaKey
    level: EncryptionLevel = EncryptionLevel.CLIENT_COMPATIBLE
    methods: EncryptionMethod = (
        EncryptionMethod.BITS_40
        | EncryptionMethod.BITS_56
        | EncryptionMethod.BITS_128
        | EncryptionMethod.FIPS
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityPolicy:
    """What a client may use to connect. With ``accounts`` NLA is offered, and preferred."""

    certificate: Certificate | None = None
    tls_context: ssl.SSLContext | None = None
    accounts: AccountCheck | None = None
    #: TLS without NLA: encrypted, but anybody may connect
    allow_tls: bool = False
    #: standard RDP security: what ``standard`` says
    standard: StandardSecurityOptions | None = None
    #: whether a user whom NLA has proved may be here. Only HYBRID_EX has a way to refuse at this point, so
    #: the owner has to ask again when it hears ``LoggedOn``
    authorize: Callable[[Proof], bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Everything a server connection is told at birth; see docs/driving-the-core.md."""

    width: int
    height: int
    security: SecurityPolicy
    #: a gateway's: it chooses what to go on with, once the client has said where it wants to go
    selector: Selector | None = None
    #: cryptographically strong random bytes, e.g. ``os.urandom``
    entropy: Callable[[int], bytes]
    #: seconds since 1970, for NTLM time stamps
    wall_clock: Callable[[], float]
    server_name: str = "pyrdpmux"
    auto_reconnect: AutoReconnectStore | None = None
    #: measure the network now and then, with clients that can
    auto_detect: bool = True
    #: also while connecting, before anything is shown (1.3.1.1): costs every client two round trips
    connect_time_auto_detect: bool = False
    #: seconds between heartbeats to clients that want them; 0 for none
    heartbeat_seconds: int = 0
    #: highest colour depth offered (32, 24, 16, 15 or 8)
    max_bits_per_pixel: int = 32
    limits: Limits = field(default_factory=Limits)
    tracer: Tracer = field(default_factory=NullTracer)
