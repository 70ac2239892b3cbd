"""Network characteristics (MS-RDPBCGR 2.2.14): round trips now and then, bandwidth on the first picture.

Both are measured while the connection is active, on data that has to be sent anyway. The connect-time
variant (1.3.1.1) is there for those who want it, but it makes every client wait for two round trips.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrdpmux.rdp.connection.events import NetworkMeasured
from pyrdpmux.rdp.pdu.auto_detect import (
    AutoDetectResponse,
    BandwidthMeasurePayload,
    BandwidthMeasureResults,
    BandwidthMeasureStart,
    BandwidthMeasureStop,
    NetworkCharacteristicsResult,
    RequestType,
    RttMeasureRequest,
    RttMeasureResponse,
)

if TYPE_CHECKING:
    from pyrdpmux.rdp.connection.server.link import ServerLink

#: one connect-time bandwidth measurement: enough to time on a slow link, nothing to wait for on a fast one
PAYLOAD_SIZE: Final = 14 * 1024
PAYLOAD_COUNT: Final = 2
#: of the first picture: where a measurement on real output ends
MEASURED_OUTPUT: Final = 64 * 1024
#: measurements that were never answered are forgotten
MAX_OUTSTANDING: Final = 16


class AutoDetect:
    """The measurements of one connection."""

    def __init__(self) -> None:
        self._sequence_number = 0
        self._sent_at: dict[int, float] = {}
        self._base_round_trip: float | None = None
        #: bytes of output since the measurement began; None: not begun
        self._measured_output: int | None = None
        #: number of the bandwidth measurement that runs, or whose result is awaited
        self._bandwidth_number: int | None = None
        self._is_bandwidth_awaited = False
        self.is_connect_time = False

    # -- asking ----------------------------------------------------------------------------------

    def begin_connect_time(self, link: ServerLink) -> None:
        """The first round trip; its answer starts the bandwidth measurement."""
        self.is_connect_time = True
        self.measure_round_trip(link)

    def give_up_connect_time(self) -> None:
        """The client did not answer in time; late answers count as answers to nothing."""
        self.is_connect_time = False
        self._is_bandwidth_awaited = False
        self._sent_at.clear()

    def measure_round_trip(self, link: ServerLink) -> None:
        """Send an RTT Measure Request."""
        number = self._next_number()
        if len(self._sent_at) >= MAX_OUTSTANDING:
            self._sent_at.clear()
        self._sent_at[number] = link.now
        kind = RequestType.RTT_CONNECT_TIME if self.is_connect_time else RequestType.RTT
        link.send_message(RttMeasureRequest(number, kind))

    def before_output(self, link: ServerLink) -> None:
        """Output is about to be sent: the first that there is will be measured."""
        if self._measured_output is None and link.facts.bits_per_second is None:
            self._measured_output = 0
            self._bandwidth_number = self._next_number()
            link.send_message(BandwidthMeasureStart(self._bandwidth_number, RequestType.BANDWIDTH_START))

    def after_output(self, link: ServerLink, size: int) -> None:
        """``size`` bytes of output were sent."""
        if self._measured_output is None or self._measured_output >= MEASURED_OUTPUT:
            return
        self._measured_output += size
        if self._measured_output >= MEASURED_OUTPUT and self._bandwidth_number is not None:
            link.send_message(BandwidthMeasureStop(self._bandwidth_number, RequestType.BANDWIDTH_STOP))
            self._is_bandwidth_awaited = True

    # -- answers ---------------------------------------------------------------------------------

    def on_response(self, link: ServerLink, response: AutoDetectResponse) -> bool:
        """An answer; True when it ends what was begun. One that nobody asked for has no effect."""
        match response:
            case RttMeasureResponse():
                return self._on_round_trip(link, response)
            case BandwidthMeasureResults():
                return self._on_bandwidth(link, response)
        link.note(f"{type(response).__name__} has no effect")
        return False

    def _on_round_trip(self, link: ServerLink, response: RttMeasureResponse) -> bool:
        sent_at = self._sent_at.pop(response.sequence_number, None)
        if sent_at is None:
            link.note(f"RTT response {response.sequence_number} answers nothing")
            return False
        seconds = max(link.now - sent_at, 0.0)
        link.facts.round_trip_seconds = seconds
        if self._base_round_trip is None or seconds < self._base_round_trip:
            self._base_round_trip = seconds
        if self.is_connect_time:
            self._send_payload(link)
            return False
        link.emit(NetworkMeasured(seconds, link.facts.bits_per_second or 0.0))
        return True

    def _send_payload(self, link: ServerLink) -> None:
        number = self._bandwidth_number = self._next_number()
        payload = link.config.entropy(PAYLOAD_SIZE)  # random, so that nothing on the way compresses it
        link.send_message(BandwidthMeasureStart(number, RequestType.BANDWIDTH_START_CONNECT_TIME))
        for _ in range(PAYLOAD_COUNT):
            link.send_message(BandwidthMeasurePayload(number, payload))
        link.send_message(BandwidthMeasureStop(number, RequestType.BANDWIDTH_STOP_CONNECT_TIME, payload))
        self._is_bandwidth_awaited = True

    def _on_bandwidth(self, link: ServerLink, response: BandwidthMeasureResults) -> bool:
        # QUIRK(FreeRDP): results carry a sequence number of the client's own, so it is not compared.
        if not self._is_bandwidth_awaited:
            link.note("bandwidth results that nobody asked for")
            return False
        self._is_bandwidth_awaited = False
        # A fast link is over within the client's clock tick: a millisecond at least.
        bits_per_second = response.byte_count * 8 * 1000 / max(response.time_delta, 1)
        facts = link.facts
        facts.bits_per_second = bits_per_second
        round_trip = facts.round_trip_seconds or 0.0
        self.is_connect_time = False
        link.send_message(
            NetworkCharacteristicsResult(
                self._next_number(),
                average_rtt=round(round_trip * 1000),
                base_rtt=round((self._base_round_trip or 0.0) * 1000),
                bandwidth=min(round(bits_per_second / 1000), 0xFFFFFFFF),
            )
        )
        link.emit(NetworkMeasured(round_trip, bits_per_second))
        return True

    def _next_number(self) -> int:
        self._sequence_number = (self._sequence_number + 1) & 0xFFFF
        return self._sequence_number
