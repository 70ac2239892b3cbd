"""What a server's session has learnt of its client; it outlives the phases that learnt it."""

from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.channels.display_control.layout import DesktopMonitor
from pyrdpmux.rdp.mcs.client_core import ClientCoreData
from pyrdpmux.rdp.mcs.client_data import (
    ChannelOptions,
    ClientNetworkData,
    ClientSecurityData,
)
from pyrdpmux.rdp.pdu.capabilities import CapabilitySet, find_capability
from pyrdpmux.rdp.pdu.client_info import ClientInfo

C = TypeVar("C")


class Desktop(NamedTuple):
    """What a client is shown: pixels, and the monitors that these are, the primary one first."""

    width: int
    height: int
    #: empty: all of it is one
    monitors: tuple[Rect, ...] = ()


@dataclass(slots=True)
class StaticChannel:
    """One static virtual channel of this connection."""

    name: str
    channel_id: int
    options: ChannelOptions = ChannelOptions.INITIALIZED


@dataclass(slots=True)
class ServerFacts:
    """Filled phase by phase; ``None`` means that the client has not sent it (or was not asked)."""

    # Basic Settings Exchange
    client_core: ClientCoreData | None = None
    client_security: ClientSecurityData | None = None
    client_network: ClientNetworkData | None = None
    #: that the client has, where it says so
    client_monitors: tuple[DesktopMonitor, ...] = ()
    wants_message_channel: bool = False
    message_channel_id: int | None = None
    channels: dict[int, StaticChannel] = field(default_factory=dict)
    user_channel_id: int = 0

    # Secure Settings Exchange
    client_info: ClientInfo | None = None
    is_reconnect: bool = False

    # Capabilities Exchange
    capabilities: tuple[CapabilitySet, ...] = ()
    desktop: Desktop = Desktop(0, 0)

    # Connection Finalization
    #: it lists bitmaps of earlier sessions; False if its list is empty
    has_persistent_keys: bool | None = None

    # measured
    round_trip_seconds: float | None = None
    bits_per_second: float | None = None

    @property
    def width(self) -> int:
        """Of the desktop."""
        return self.desktop.width

    @property
    def height(self) -> int:
        """Of the desktop."""
        return self.desktop.height

    def capability(self, kind: type[C]) -> C | None:
        """The client's capability set of this class, if it sent one."""
        return find_capability(self.capabilities, kind)
