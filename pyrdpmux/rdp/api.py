"""What a program needs of the protocol: ``from pyrdpmux.rdp import ServerConnection, ServerConfig``.

``pyrdpmux.rdp`` has all these names and imports this module when it is first asked for one, so that its parts
can be used without the rest. Every union has a ``decode_*``: bytes in, whichever of its members they are out.
"""

from pyrdpmux.rdp.channels.display_control.layout import DesktopMonitor
from pyrdpmux.rdp.channels.display_control.pdu import decode_display_control
from pyrdpmux.rdp.channels.dynamic.pdu import decode_client_pdu, decode_server_pdu
from pyrdpmux.rdp.channels.graphics.abilities import GraphicsAbilities
from pyrdpmux.rdp.channels.graphics.capabilities import (
    CapabilityVersion,
    GraphicsCapabilitySet,
    GraphicsFlags,
)
from pyrdpmux.rdp.channels.graphics.pdu import decode_graphics, encode_graphics
from pyrdpmux.rdp.connection.client.config import ClientConfig
from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.connection.events import (
    Activated,
    AutoReconnectCookieReceived,
    ChannelClosed,
    ChannelDataReceived,
    ChannelOpened,
    ClientIntroduced,
    ConnectionRequested,
    Deactivated,
    DesktopLayoutRequested,
    Disconnected,
    DisplayControlReady,
    ErrorInfoReceived,
    Event,
    FrameAcknowledged,
    GraphicsCacheOffered,
    GraphicsCommandsReceived,
    GraphicsConfirmed,
    GraphicsFrameAcknowledged,
    GraphicsOpened,
    GraphicsQuality,
    GraphicsReceived,
    InputReceived,
    LoggedOn,
    LogonRequested,
    MonitorLayoutReceived,
    NetworkMeasured,
    OutputSuppressed,
    PointerReceived,
    RefreshRequested,
    SecurityEstablished,
    ShutdownRequested,
)
from pyrdpmux.rdp.connection.limits import Limits
from pyrdpmux.rdp.connection.machine import Connection
from pyrdpmux.rdp.connection.output_format import OutputFormat
from pyrdpmux.rdp.connection.server.config import (
    AutoReconnectStore,
    DoorConfig,
    GatewayConfig,
    SecurityPolicy,
    Selector,
    ServerConfig,
    SessionConfig,
    StandardSecurityOptions,
)
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.connection.server.destination import Destination
from pyrdpmux.rdp.connection.server.door import ServerDoor
from pyrdpmux.rdp.connection.server.secured import Secured
from pyrdpmux.rdp.connection.server.session_machine import ServerSession
from pyrdpmux.rdp.connection.trace import ListTracer, NullTracer, Tracer
from pyrdpmux.rdp.fastpath.header import decode_fast_path
from pyrdpmux.rdp.fastpath.input import FastPathInput, decode_input_events
from pyrdpmux.rdp.fastpath.update import FastPathOutput, decode_update, decode_updates
from pyrdpmux.rdp.mcs.connect import decode_connect_pdu
from pyrdpmux.rdp.mcs.domain import decode_domain_pdu
from pyrdpmux.rdp.nla.accounts import Accounts
from pyrdpmux.rdp.nla.logon import AccountCheck, NtlmLogon, Proof, check_ntlm
from pyrdpmux.rdp.nla.spnego_tokens import decode_token
from pyrdpmux.rdp.pdu.auto_detect import decode_auto_detect
from pyrdpmux.rdp.pdu.capabilities import decode_capability, encode_capability
from pyrdpmux.rdp.pdu.display import LedFlags
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import (
    ExtendedMouseEvent,
    ExtendedPointerFlags,
    InputEvent,
    KeyboardEvent,
    KeyboardFlags,
    MouseEvent,
    PointerFlags,
    RelativeMouseEvent,
    RelativePointerFlags,
    SynchronizeEvent,
    ToggleFlags,
    UnicodeEvent,
)
from pyrdpmux.rdp.pdu.message_channel import decode_message
from pyrdpmux.rdp.pdu.pointer import (
    CachedPointer,
    ColorPointer,
    LargePointer,
    NewPointer,
    PointerPosition,
    SystemPointer,
    SystemPointerType,
)
from pyrdpmux.rdp.pdu.share import decode_share, decode_share_data, decode_shares
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags, PaletteEntry, PaletteUpdate
from pyrdpmux.rdp.tls.certificate import Certificate
from pyrdpmux.rdp.tls.context import client_context
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import decode_tpdu

__all__ = [
    # both sides
    "Connection",
    "ErrorInfo",
    "Limits",
    "ListTracer",
    "NullTracer",
    "SecurityProtocol",
    "Tracer",
    # a server
    "ServerConnection",
    "ServerConfig",
    "GatewayConfig",
    "SecurityPolicy",
    "StandardSecurityOptions",
    "Certificate",
    "AutoReconnectStore",
    "Destination",
    "Selector",
    "OutputFormat",
    # its two halves
    "ServerDoor",
    "DoorConfig",
    "Secured",
    "ServerSession",
    "SessionConfig",
    # who may log on
    "AccountCheck",
    "Accounts",
    "NtlmLogon",
    "Proof",
    "check_ntlm",
    # a client
    "ClientConnection",
    "ClientConfig",
    "client_context",
    # events
    "Event",
    "Activated",
    "AutoReconnectCookieReceived",
    "ChannelClosed",
    "ChannelDataReceived",
    "ChannelOpened",
    "ClientIntroduced",
    "ConnectionRequested",
    "Deactivated",
    "DesktopLayoutRequested",
    "DesktopMonitor",
    "Disconnected",
    "DisplayControlReady",
    "ErrorInfoReceived",
    "FrameAcknowledged",
    "GraphicsCacheOffered",
    "GraphicsCommandsReceived",
    "GraphicsConfirmed",
    "GraphicsFrameAcknowledged",
    "GraphicsOpened",
    "GraphicsQuality",
    "GraphicsReceived",
    "InputReceived",
    "LoggedOn",
    "LogonRequested",
    "MonitorLayoutReceived",
    "NetworkMeasured",
    "OutputSuppressed",
    "PointerReceived",
    "RefreshRequested",
    "SecurityEstablished",
    "ShutdownRequested",
    # pictures and pointers
    "BitmapData",
    "BitmapFlags",
    "PaletteEntry",
    "PaletteUpdate",
    "CachedPointer",
    "ColorPointer",
    "LargePointer",
    "NewPointer",
    "PointerPosition",
    "SystemPointer",
    "SystemPointerType",
    # the graphics pipeline
    "GraphicsAbilities",
    "GraphicsCapabilitySet",
    "CapabilityVersion",
    "GraphicsFlags",
    # input
    "InputEvent",
    "ExtendedMouseEvent",
    "ExtendedPointerFlags",
    "KeyboardEvent",
    "KeyboardFlags",
    "LedFlags",
    "MouseEvent",
    "PointerFlags",
    "RelativeMouseEvent",
    "RelativePointerFlags",
    "SynchronizeEvent",
    "ToggleFlags",
    "UnicodeEvent",
    # bytes to values, outermost first
    "decode_tpdu",
    "decode_token",
    "decode_fast_path",
    "FastPathInput",
    "FastPathOutput",
    "decode_input_events",
    "decode_update",
    "decode_updates",
    "decode_connect_pdu",
    "decode_domain_pdu",
    "decode_message",
    "decode_auto_detect",
    "decode_share",
    "decode_share_data",
    "decode_shares",
    "decode_capability",
    "encode_capability",
    "decode_client_pdu",
    "decode_server_pdu",
    "decode_display_control",
    "decode_graphics",
    "encode_graphics",
]
