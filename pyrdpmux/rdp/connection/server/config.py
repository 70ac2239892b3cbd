"""What the owner of a server connection decides in advance."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Final, Protocol

from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME as GRAPHICS_CHANNEL
from pyrdpmux.rdp.channels.traffic import MAX_CHUNK_SIZE
from pyrdpmux.rdp.connection.limits import Limits
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.connection.server.destination import Destination
from pyrdpmux.rdp.connection.trace import NullTracer, Tracer
from pyrdpmux.rdp.nla.credssp import MIN_VERSION
from pyrdpmux.rdp.nla.logon import AccountCheck, Proof
from pyrdpmux.rdp.standard_security.encryption import EncryptionLevel, EncryptionMethod
from pyrdpmux.rdp.standard_security.server_certificate import RsaKey
from pyrdpmux.rdp.tls.certificate import Certificate


class Selector(Protocol):
    """Whoever decides at a gateway. Asked once per connection, before security begins."""

    def select(self, destination: Destination) -> ServerConfig:
        """The configuration to go on with."""
        ...


class DoorSelector(Protocol):
    """The same for a door by itself, without the session's half of the configuration."""

    def select(self, destination: Destination) -> DoorConfig:
        """The configuration to go on with; its ``selector`` is not asked again."""
        ...


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
class DoorPolicy:
    """What a client may use to connect. With ``accounts`` or ``asks_owner`` NLA is offered, and preferred."""

    certificate: Certificate | None = None
    tls_context: ssl.SSLContext | None = None
    #: says at once whether somebody knows its password
    accounts: AccountCheck | None = None
    #: without ``accounts``: it is asked by a ``LogonRequested`` event, and answered by ``answer_logon``
    asks_owner: bool = False
    #: TLS without NLA: encrypted, but anybody may connect
    allow_tls: bool = False
    #: standard RDP security, whose key is the session's
    allow_standard: bool = False
    #: whether a user whom NLA has proved may be here. Only HYBRID_EX has a way to refuse at this point, so
    #: the owner has to ask again when it hears ``LoggedOn``
    authorize: Callable[[Proof], bool] | None = None
    #: versions below 5 prove less of the TLS connection to the server (CVE-2018-0886)
    min_credssp_version: int = MIN_VERSION

    @property
    def has_nla(self) -> bool:
        """There is somebody who knows whose password is right."""
        return self.accounts is not None or self.asks_owner


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityPolicy(DoorPolicy):
    """The same for both halves of a connection: ``standard`` decides about ``allow_standard``."""

    #: standard RDP security: what ``standard`` says
    standard: StandardSecurityOptions | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "allow_standard", self.standard is not None)

    @property
    def door(self) -> DoorPolicy:
        """Without the key of standard RDP security."""
        return DoorPolicy(**{name: getattr(self, name) for name in _POLICY_FIELDS})


_POLICY_FIELDS: Final = tuple([item.name for item in fields(DoorPolicy)])


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorConfig:
    """What a door is told at birth: keys, accounts and where to go, nothing of the desktop."""

    security: DoorPolicy
    #: a gateway's: it chooses what to go on with, once the client has said where it wants to go
    selector: DoorSelector | None = None
    #: cryptographically strong random bytes, e.g. ``os.urandom``
    entropy: Callable[[int], bytes]
    #: seconds since 1970, for NTLM time stamps
    wall_clock: Callable[[], float]
    server_name: str = "pyrdpmux"
    #: the session's channels have the graphics pipeline among them
    has_graphics: bool = False
    limits: Limits = field(default_factory=Limits)
    tracer: Tracer = field(default_factory=NullTracer)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """What a session is told at birth, beside the door's ``Secured``: no TLS keys, no accounts."""

    width: int
    height: int
    standard: StandardSecurityOptions | None = None
    #: cryptographically strong random bytes, e.g. ``os.urandom``
    entropy: Callable[[int], bytes]
    auto_reconnect: AutoReconnectStore | None = None
    #: for testers: begins a phase that asks for a license, and goes on with ``conclude_licensing``. It is
    #: given the session; None: every client is told that it needs none
    licensing: Callable[[Any], Phase] | None = None
    #: measure the network now and then, with clients that can
    auto_detect: bool = True
    #: also while connecting, before anything is shown (1.3.1.1): costs every client two round trips
    connect_time_auto_detect: bool = False
    #: seconds between heartbeats to clients that want them; 0 for none
    heartbeat_seconds: int = 0
    #: highest colour depth offered (32, 24, 16, 15 or 8)
    max_bits_per_pixel: int = 32
    #: which channels are offered, by name: static ones are spoken where the client has them, dynamic ones
    #: are opened. ``drdynvc``: dynamic channels are spoken even if none is opened. Messages of static
    #: channels that are not offered are handed over
    channels: tuple[str, ...] = ()
    #: largest chunk of a static channel, 1600 to 16256 bytes, with clients that can
    channel_chunk_size: int = MAX_CHUNK_SIZE
    #: compress what is sent on static channels, to clients that ask for it; what they send may always be.
    #: Windows servers do not: dynamic channels and what goes through them compress for themselves
    compress_channels: bool = False
    #: compress updates on the fast path, for clients that ask for it, while they are sent, which takes about
    #: 0.5 s for 1 MB; ``ServerConnection.packer`` does it apart from that
    compress_output: bool = False
    limits: Limits = field(default_factory=Limits)
    tracer: Tracer = field(default_factory=NullTracer)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Both halves of a connection in one: what is said here is described there."""

    width: int
    height: int
    security: SecurityPolicy
    entropy: Callable[[int], bytes]
    wall_clock: Callable[[], float]
    server_name: str = "pyrdpmux"
    auto_reconnect: AutoReconnectStore | None = None
    licensing: Callable[[Any], Phase] | None = None
    auto_detect: bool = True
    connect_time_auto_detect: bool = False
    heartbeat_seconds: int = 0
    max_bits_per_pixel: int = 32
    channels: tuple[str, ...] = ()
    channel_chunk_size: int = MAX_CHUNK_SIZE
    compress_channels: bool = False
    compress_output: bool = False
    limits: Limits = field(default_factory=Limits)
    tracer: Tracer = field(default_factory=NullTracer)

    @property
    def door(self) -> DoorConfig:
        """The half for the door."""
        return DoorConfig(
            security=self.security.door,
            entropy=self.entropy,
            wall_clock=self.wall_clock,
            server_name=self.server_name,
            has_graphics=GRAPHICS_CHANNEL in self.channels,
            limits=self.limits,
            tracer=self.tracer,
        )

    @property
    def session(self) -> SessionConfig:
        """The half for the session."""
        return SessionConfig(
            width=self.width,
            height=self.height,
            standard=self.security.standard,
            entropy=self.entropy,
            auto_reconnect=self.auto_reconnect,
            licensing=self.licensing,
            auto_detect=self.auto_detect,
            connect_time_auto_detect=self.connect_time_auto_detect,
            heartbeat_seconds=self.heartbeat_seconds,
            max_bits_per_pixel=self.max_bits_per_pixel,
            channels=self.channels,
            channel_chunk_size=self.channel_chunk_size,
            compress_channels=self.compress_channels,
            compress_output=self.compress_output,
            limits=self.limits,
            tracer=self.tracer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """A port for several desktops: a connection begins with this, and goes on with what ``selector`` says."""

    selector: Selector
    entropy: Callable[[int], bytes]
    wall_clock: Callable[[], float]
    #: of which ``connection_initiation`` counts until the selector has been asked
    limits: Limits = field(default_factory=Limits)
    #: of the whole connection
    tracer: Tracer = field(default_factory=NullTracer)

    def door(self, selector: DoorSelector) -> DoorConfig:
        """What the door begins with: ``selector`` asks ours, and keeps the session's half of its answer."""
        return DoorConfig(
            security=DoorPolicy(),
            selector=selector,
            entropy=self.entropy,
            wall_clock=self.wall_clock,
            limits=self.limits,
            tracer=self.tracer,
        )
