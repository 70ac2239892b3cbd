"""What the owner of a client connection decides in advance."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from pyrdpmux.codec.bulk.packet import CompressionType
from pyrdpmux.geometry import Rect, bounding_box
from pyrdpmux.rdp.channels.display_control.layout import DesktopMonitor
from pyrdpmux.rdp.channels.dynamic.pdu import CHANNEL_NAME
from pyrdpmux.rdp.channels.graphics.capabilities import GraphicsCapabilitySet
from pyrdpmux.rdp.connection.client.channels.graphics import DEFAULT_SETS
from pyrdpmux.rdp.connection.limits import Limits
from pyrdpmux.rdp.connection.trace import NullTracer, Tracer
from pyrdpmux.rdp.licensing.store import LicenseStore
from pyrdpmux.rdp.mcs.client_data import ChannelDefinition, ChannelOptions, EncryptionMethod
from pyrdpmux.rdp.pdu.capabilities.codecs import BitmapCodec
from pyrdpmux.rdp.pdu.capabilities.order import OrderSupport
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol

#: as mstsc defines it
DRDYNVC: Final = ChannelDefinition(
    CHANNEL_NAME.encode(),
    ChannelOptions.INITIALIZED | ChannelOptions.ENCRYPT_RDP | ChannelOptions.COMPRESS_RDP,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """Everything a client connection is told at birth."""

    #: of the desktop, unless ``monitors`` say it
    width: int = 1024
    height: int = 768
    #: announced where the server takes them
    monitors: tuple[DesktopMonitor, ...] = ()
    #: 32, 24, 16, 15 or 8
    bits_per_pixel: int = 32
    #: what is offered; RDP alone means standard RDP security
    protocols: SecurityProtocol = SecurityProtocol.SSL | SecurityProtocol.HYBRID
    #: for TLS and NLA; trusting the server's certificate is this context's business
    tls_context: ssl.SSLContext | None = None
    server_hostname: str | None = None
    #: whether to go on with a server that has this certificate (DER); nothing secret is sent before
    accepts_certificate: Callable[[bytes], bool] | None = None
    user: str = ""
    domain: str = ""
    password: str = field(default="", repr=False)
    cookie: bytes | None = None
    #: a routing token, instead of the cookie
    routing: bytes | None = None
    client_name: str = "pyrdpmux"
    channels: tuple[ChannelDefinition, ...] = ()
    #: listeners, by name, for dynamic channels that the server may open: ``drdynvc`` is asked for, be it in
    #: ``channels`` or not. None: it is a static channel like others, whose messages are handed over
    dynamic_channels: tuple[str, ...] | None = None
    #: what is advertised on the graphics pipeline, if that is among ``dynamic_channels``; without any, that
    #: waits for ``advertise_graphics``
    graphics: tuple[GraphicsCapabilitySet, ...] = DEFAULT_SETS
    #: the highest type of bulk compression that is offered, or None
    compression: CompressionType | None = None
    encryption_methods: EncryptionMethod = (
        EncryptionMethod.BITS_40
        | EncryptionMethod.BITS_56
        | EncryptionMethod.BITS_128
        | EncryptionMethod.FIPS
    )
    #: a cookie from an earlier Save Session Info: logon id and random bits
    auto_reconnect: tuple[int, bytes] | None = field(default=None, repr=False)
    #: licenses of earlier sessions, and where new ones go; without, each session asks for one
    license_store: LicenseStore | None = None
    #: 16 bytes that tell this client from others in a license server's books; None: from ``client_name``
    hardware_data: bytes | None = None
    #: ask for fast-path output, and use fast-path input where the server takes it
    fast_path: bool = True
    #: largest reassembled fast-path update; this one is the least that a pointer of 384x384 needs (2.2.7.2.7)
    max_request_size: int = 608_299
    #: what surface commands may carry besides plain pixels; without any, surface commands are not announced
    codecs: tuple[BitmapCodec, ...] = ()
    #: drawing orders that the server may send; MEMBLT brings bitmap caches along (2.2.7.1.4.2)
    orders: tuple[OrderSupport, ...] = ()
    #: say that bitmaps are kept from session to session: then some servers wait for an offer of them
    keeps_bitmaps: bool = False
    #: answer auto-detect requests and listen to heartbeats
    wants_message_channel: bool = True
    skip_channel_join: bool = False
    #: cryptographically strong random bytes, e.g. ``os.urandom``
    entropy: Callable[[int], bytes]
    #: seconds since 1970, for NTLM time stamps
    wall_clock: Callable[[], float]
    limits: Limits = field(default_factory=Limits)
    tracer: Tracer = field(default_factory=NullTracer)

    @property
    def size(self) -> tuple[int, int]:
        """Of the desktop that is asked for: around all monitors."""
        if not self.monitors:
            return self.width, self.height
        box = bounding_box([Rect(one.left, one.top, one.width, one.height) for one in self.monitors])
        return box.width, box.height

    @property
    def static_channels(self) -> tuple[ChannelDefinition, ...]:
        """What the server is asked for."""
        has_manager = any(channel.name == DRDYNVC.name for channel in self.channels)
        adds = self.dynamic_channels is not None and not has_manager
        return (*self.channels, DRDYNVC) if adds else self.channels
