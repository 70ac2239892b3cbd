"""What an active server does by the clock: heartbeats, and round trips measured now and then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyrdpmux.rdp.connection.server.auto_detect import AutoDetect
from pyrdpmux.rdp.pdu.auto_detect import RttMeasureRequest
from pyrdpmux.rdp.pdu.heartbeat import Heartbeat

#: between two measurements of the round trip
MEASURE_SECONDS: Final = 10.0
#: MS-RDPBCGR 2.2.16.1: the longest period; heartbeats missed until the client warns, and until it reconnects
MAX_HEARTBEAT_SECONDS: Final = 255
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

    def due(self, now: float, auto_detect: AutoDetect) -> list[Heartbeat | RttMeasureRequest]:
        """What is to be sent now."""
        messages: list[Heartbeat | RttMeasureRequest] = []
        if self.heartbeat_seconds:
            messages.append(Heartbeat(self.heartbeat_seconds, WARNING_COUNT, RECONNECT_COUNT))
        if self.measures and now >= self.next_measurement:
            self.next_measurement = now + MEASURE_SECONDS
            messages.append(auto_detect.measure(now))
        return messages
