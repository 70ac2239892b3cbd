"""What an active server does by the clock: heartbeats, and round trips measured while there is output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyrdpmux.rdp.connection.server.auto_detect import AutoDetect
from pyrdpmux.rdp.pdu.auto_detect import RttMeasureRequest
from pyrdpmux.rdp.pdu.heartbeat import Heartbeat

#: between two measurements of the round trip while there is output
MEASURE_SECONDS: Final = 1.0
#: the same where acknowledgements of frames tell as much
SELDOM_SECONDS: Final = 10.0
#: MS-RDPBCGR 2.2.16.1: the longest period; heartbeats missed until the client warns, and until it reconnects
MAX_HEARTBEAT_SECONDS: Final = 255
WARNING_COUNT: Final = 3
RECONNECT_COUNT: Final = 5


@dataclass(slots=True)
class Keepalive:
    """Decides what is due. One tick serves both, at the shorter of the two periods; while nothing is drawn
    there is none for measurements.

    A heartbeat that comes a second early does no harm; a measurement would only cost traffic.
    """

    heartbeat_seconds: int = 0
    measures: bool = False
    _next_heartbeat: float = 0.0
    _next_measurement: float = 0.0
    #: output since the last tick, and acknowledgements of frames
    _has_output: bool = False
    _has_acknowledgements: bool = False
    #: there is a tick to come that looks for output
    _ticks: bool = False

    def seconds(self) -> float | None:
        """Until the next tick; None where nothing is ever due."""
        periods = [float(self.heartbeat_seconds)] if self.heartbeat_seconds else []
        if self._ticks:
            periods.append(MEASURE_SECONDS)
        return min(periods, default=None)

    def saw_output(self) -> bool:
        """There was output. True: a tick is needed at once, since none is to come."""
        self._has_output = True
        if self._ticks or not self.measures:
            return False
        self._ticks = True
        return True

    def saw_acknowledgement(self) -> None:
        """The client acknowledges frames: round trips need not be measured as often."""
        self._has_acknowledgements = True

    def due(self, now: float, auto_detect: AutoDetect) -> list[Heartbeat | RttMeasureRequest]:
        """What is to be sent now."""
        messages: list[Heartbeat | RttMeasureRequest] = []
        if self.heartbeat_seconds and now >= self._next_heartbeat - MEASURE_SECONDS:
            self._next_heartbeat = now + self.heartbeat_seconds
            messages.append(Heartbeat(self.heartbeat_seconds, WARNING_COUNT, RECONNECT_COUNT))
        if self._ticks:
            auto_detect.tick(now)
            if self._has_output and now >= self._next_measurement:
                seldom = self._has_acknowledgements
                self._next_measurement = now + (SELDOM_SECONDS if seldom else MEASURE_SECONDS)
                messages.append(auto_detect.measure(now))
            self._ticks = self._has_output
            self._has_output = self._has_acknowledgements = False
        return messages
