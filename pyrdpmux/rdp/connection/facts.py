"""What a server's session has learnt of its client; it outlives the phases that learnt it."""

from dataclasses import dataclass, field
from typing import TypeVar

from pyrdpmux.rdp.mcs.client_core import ClientCoreData
from pyrdpmux.rdp.mcs.client_data import (
    ChannelOptions,
    ClientNetworkData,
    ClientSecurityData,
)
from pyrdpmux.rdp.pdu.capabilities import CapabilitySet, find_capability
from pyrdpmux.rdp.pdu.client_info import ClientInfo

C = TypeVar("C")


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
    wants_message_channel: bool = False
    message_channel_id: int | None = None
    channels: dict[int, StaticChannel] = field(default_factory=dict)
    user_channel_id: int = 0

    # Secure Settings Exchange
    client_info: ClientInfo | None = None
    is_reconnect: bool = False

    # Capabilities Exchange
    capabilities: tuple[CapabilitySet, ...] = ()
    width: int = 0
    height: int = 0

    # measured
    round_trip_seconds: float | None = None
    bits_per_second: float | None = None

    def capability(self, kind: type[C]) -> C | None:
        """The client's capability set of this class, if it sent one."""
        return find_capability(self.capabilities, kind)
