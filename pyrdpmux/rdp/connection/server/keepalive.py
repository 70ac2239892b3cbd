"""What an active server does by the clock: heartbeats, and round trips measured now and then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyrdpmux.rdp.mcs.client_core import ClientEarlyCapabilityFlags
from pyrdpmux.rdp.pdu.heartbeat import Heartbeat

if TYPE_CHECKING:
    from pyrdpmux.rdp.connection.server.link import ServerLink

#: between two measurements of the round trip
MEASURE_SECONDS: Final = 10.0
#: MS-RDPBCGR 2.2.16.1: heartbeats missed until the client warns, and until it reconnects
WARNING_COUNT: Final = 3
RECONNECT_COUNT: Final = 5


@dataclass(slots=True)
class Keepalive:
    """Decides what is due. One tick serves both, at the shorter of the two periods.

    A heartbeat that comes early does no harm, so with slow heartbeats there may be one at every measurement;
    a measurement that comes early would only cost traffic, so those keep their distance.
    """

    heartbeat_seconds: int = 0
    measures: bool = False
    next_measurement: float = 0.0

    def seconds(self) -> float | None:
        """Until the next tick; None where nothing is ever due."""
        periods = [float(self.heartbeat_seconds)] if self.heartbeat_seconds else []
        if self.measures:
            periods.append(MEASURE_SECONDS)
        return min(periods, default=None)

    @classmethod
    def agreed(cls, link: ServerLink) -> Keepalive:
        """What configuration and client both want; both need the message channel."""
        has_channel = link.facts.message_channel_id is not None
        heartbeat = has_channel and link.has_early_capability(
            ClientEarlyCapabilityFlags.SUPPORT_HEARTBEAT_PDU
        )
        return cls(
            heartbeat_seconds=min(link.config.heartbeat_seconds, 255) if heartbeat else 0,
            measures=link.can_auto_detect,
        )

    def tick(self, link: ServerLink) -> None:
        """Send what is due."""
        if self.heartbeat_seconds:
            link.send_message(Heartbeat(self.heartbeat_seconds, WARNING_COUNT, RECONNECT_COUNT))
        if self.measures and link.now >= self.next_measurement:
            self.next_measurement = link.now + MEASURE_SECONDS
            link.auto_detect.measure_round_trip(link)
