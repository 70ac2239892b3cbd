"""What a connection tells its owner. Frozen values; ``match`` on them.

They are logged: what a channel or a picture carries, and what lets a client in, is not in their ``repr``.

Server connections emit the first group, client connections the second, both the third.
"""

from dataclasses import dataclass, field

from pyrdpmux.errors import PeerError
from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.channels.display_control.layout import DesktopMonitor
from pyrdpmux.rdp.channels.graphics.abilities import GraphicsAbilities
from pyrdpmux.rdp.channels.graphics.cache import CacheEntry
from pyrdpmux.rdp.channels.graphics.capabilities import GraphicsCapabilitySet
from pyrdpmux.rdp.channels.graphics.pdu import GraphicsPdu
from pyrdpmux.rdp.fastpath.update import UpdateBody
from pyrdpmux.rdp.nla.logon import NtlmLogon
from pyrdpmux.rdp.pdu.display import MonitorLayout
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import InputEvent
from pyrdpmux.rdp.pdu.pointer import UnknownPointer
from pyrdpmux.rdp.pdu.update import KnownUpdate, UnknownUpdate
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol


def _size(data: bytes | None) -> str:
    return "None" if data is None else f"{len(data)} bytes"


# -- server ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectionRequested:
    """The X.224 Connection Request arrived; the answer is already decided by the configuration."""

    requested_protocols: SecurityProtocol
    #: the identifier of ``Cookie: mstshash=``, or None
    cookie: bytes | None
    #: the whole routing line (cookie or token), or None
    routing: bytes | None

    def __repr__(self) -> str:
        return f"ConnectionRequested({self.requested_protocols!r}, routing={_size(self.routing)})"


@dataclass(frozen=True, slots=True)
class LogonRequested:
    """NLA asks whether this password is right, and nothing goes on until ``answer_logon`` says so."""

    logon: NtlmLogon


@dataclass(frozen=True, slots=True)
class ClientIntroduced:
    """The GCC data of the client are known (``connection.facts.client_core`` and its like)."""

    client_name: str
    client_build: int
    desktop_width: int
    desktop_height: int
    channels: tuple[str, ...]
    #: that the client has, where it says so
    monitors: tuple[DesktopMonitor, ...] = ()


@dataclass(frozen=True, slots=True)
class LoggedOn:
    """Client Info arrived. Under NLA ``user`` is the one who was proved, otherwise only a claim."""

    user: str
    domain: str
    is_authenticated: bool
    #: an auto-reconnect cookie of ours was presented and verified
    is_reconnect: bool
    #: under NLA, what came with the proof; without, a name proves nothing and there is none
    ticket: object | None = None


@dataclass(frozen=True, slots=True)
class InputReceived:
    """Keyboard and pointer events of one PDU, in order; the same classes for slow path and fast path."""

    events: tuple[InputEvent, ...]


@dataclass(frozen=True, slots=True)
class RefreshRequested:
    """The client lost these parts of its picture: as it said, so perhaps empty or outside the desktop."""

    rects: tuple[Rect, ...]


@dataclass(frozen=True, slots=True)
class OutputSuppressed:
    """The client's window is minimised (True) or shows again and wants the picture (False)."""

    is_suppressed: bool


@dataclass(frozen=True, slots=True)
class FrameAcknowledged:
    """The client has shown a frame of surface commands, and all before it (MS-RDPRFX 2.2.3.1)."""

    frame_id: int


@dataclass(frozen=True, slots=True)
class ShutdownRequested:
    """The user closed the client's window; a Shutdown Denied was sent, the client decides."""


@dataclass(frozen=True, slots=True)
class NetworkMeasured:
    """Auto-detect finished a measurement: of the bandwidth, with the round trip as it was measured before; or
    of the round trip only, with a bandwidth of 0."""

    round_trip_seconds: float
    bits_per_second: float


@dataclass(frozen=True, slots=True)
class DesktopLayoutRequested:
    """Display Control: the client's window has another size, or its user another screen.

    ``monitors`` neither overlap nor lie apart, one of them is primary, and each has a size that may be used.
    """

    monitors: tuple[DesktopMonitor, ...]

    @property
    def primary(self) -> DesktopMonitor:
        """The one that a desktop of one monitor is for."""
        return next(monitor for monitor in self.monitors if monitor.is_primary)


@dataclass(frozen=True, slots=True)
class GraphicsOpened:
    """The graphics pipeline may be drawn on, from nothing: no surface is there, no cache slot is taken, and
    nothing may refer to what was compressed before.

    ``is_repeated``: the client has begun anew; what was sent to it before counts for nothing.
    """

    abilities: GraphicsAbilities
    #: the set that was confirmed
    capabilities: GraphicsCapabilitySet
    #: all sets that are known
    advertised: tuple[GraphicsCapabilitySet, ...]
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class GraphicsFrameAcknowledged:
    """The client has decoded a frame.

    ``queue_depth``: bytes that wait for it, 0 if it does not tell, and 0xFFFFFFFF with the last of all
    acknowledgements, until another one comes.
    """

    frame_id: int
    queue_depth: int
    total_frames_decoded: int


@dataclass(frozen=True, slots=True)
class GraphicsQuality:
    """How long a frame took, in milliseconds: from its start to its end, and from there until it was shown.

    ``timestamp``: when it began, on the client's clock.
    """

    frame_id: int
    timestamp: int
    time_diff_se: int
    time_diff_edr: int


@dataclass(frozen=True, slots=True)
class GraphicsCacheOffered:
    """The client has kept these bitmaps from another session; a Cache Import Reply puts them into slots."""

    entries: tuple[CacheEntry, ...]

    def __repr__(self) -> str:
        return f"GraphicsCacheOffered({len(self.entries)} entries)"


# -- client ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GraphicsReceived:
    """One update: bitmaps, palette, synchronise, or orders kept raw."""

    update: KnownUpdate | UnknownUpdate

    def __repr__(self) -> str:
        return f"GraphicsReceived({type(self.update).__name__})"


@dataclass(frozen=True, slots=True)
class PointerReceived:
    """A pointer update, or one of the few others that only the fast path has (surface commands)."""

    update: UpdateBody | UnknownPointer

    def __repr__(self) -> str:
        return f"PointerReceived({type(self.update).__name__})"


@dataclass(frozen=True, slots=True)
class MonitorLayoutReceived:
    """The server's monitors."""

    layout: MonitorLayout


@dataclass(frozen=True, slots=True)
class ErrorInfoReceived:
    """Set Error Info: why the server is about to disconnect."""

    error_info: ErrorInfo


@dataclass(frozen=True, slots=True)
class AutoReconnectCookieReceived:
    """Save Session Info brought a cookie that lets this client come back without credentials."""

    logon_id: int
    random_bits: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DisplayControlReady:
    """The server takes monitor layouts of so many monitors, and of so many square pixels all together."""

    max_monitors: int
    max_area: int


@dataclass(frozen=True, slots=True)
class GraphicsConfirmed:
    """The server has chosen a capability set of the graphics pipeline, and may draw."""

    abilities: GraphicsAbilities
    capabilities: GraphicsCapabilitySet


@dataclass(frozen=True, slots=True)
class GraphicsCommandsReceived:
    """One message of the graphics pipeline, as the commands that it is."""

    pdus: tuple[GraphicsPdu, ...]

    def __repr__(self) -> str:
        return f"GraphicsCommandsReceived({len(self.pdus)} commands)"


# -- both --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SecurityEstablished:
    """TLS (and NLA) or standard RDP security is up."""

    protocol: SecurityProtocol
    #: for logs: "TLSv1.3 TLS_AES_256_GCM_SHA384", "RC4 128 bit", ...
    description: str
    #: the user that NLA authenticated, else None
    user: str | None = None
    domain: str | None = None
    #: the version of CredSSP that a server's NLA used
    credssp_version: int | None = None


@dataclass(frozen=True, slots=True)
class Activated:
    """Connection finalisation is done: input may flow and the desktop may be drawn.

    Comes again after every deactivation-reactivation (a resize); the whole picture is to be sent then.
    """

    width: int
    height: int
    bits_per_pixel: int
    is_reactivation: bool
    #: as what the desktop was shown, the primary one first; empty: all of it is one. A client hears of its
    #: server's by MonitorLayoutReceived
    monitors: tuple[Rect, ...] = ()


@dataclass(frozen=True, slots=True)
class Deactivated:
    """A deactivation-reactivation began; nothing may be drawn until the next Activated."""


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """A dynamic virtual channel is there, and can be sent to by ``send_channel_data``."""

    channel: str


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    """A dynamic virtual channel is gone. ``is_refused``: it has never been there, the client has none."""

    channel: str
    is_refused: bool


@dataclass(frozen=True, slots=True)
class ChannelDataReceived:
    """One message of a virtual channel, static or dynamic, that no machine of ours understands."""

    channel: str
    data: bytes

    def __repr__(self) -> str:
        return f"ChannelDataReceived({self.channel!r}, {_size(self.data)})"


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection is over; always the last event. ``error`` is None for an orderly end."""

    reason: str
    by_peer: bool
    error: PeerError | None = None


Event = (
    ConnectionRequested
    | LogonRequested
    | ClientIntroduced
    | LoggedOn
    | InputReceived
    | RefreshRequested
    | OutputSuppressed
    | FrameAcknowledged
    | ShutdownRequested
    | NetworkMeasured
    | GraphicsReceived
    | PointerReceived
    | MonitorLayoutReceived
    | ErrorInfoReceived
    | AutoReconnectCookieReceived
    | SecurityEstablished
    | Activated
    | Deactivated
    | DesktopLayoutRequested
    | DisplayControlReady
    | GraphicsOpened
    | GraphicsFrameAcknowledged
    | GraphicsQuality
    | GraphicsCacheOffered
    | GraphicsConfirmed
    | GraphicsCommandsReceived
    | ChannelOpened
    | ChannelClosed
    | ChannelDataReceived
    | Disconnected
)
