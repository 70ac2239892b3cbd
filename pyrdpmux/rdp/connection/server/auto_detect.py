"""Network characteristics (MS-RDPBCGR 2.2.14): measured while connecting, and the round trip later on too."""

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
#: measurements that were never answered are forgotten
MAX_OUTSTANDING: Final = 16


class AutoDetect:
    """The measurements of one connection."""

    def __init__(self) -> None:
        self._sequence_number = 0
        self._sent_at: dict[int, float] = {}
        self._base_round_trip: float | None = None
        self.is_connect_time = False
        self.is_connect_time_done = False

    def begin_connect_time(self, link: ServerLink) -> None:
        """The first round trip; its answer starts the bandwidth measurement."""
        self.is_connect_time = True
        self.measure_round_trip(link)

    def measure_round_trip(self, link: ServerLink) -> None:
        """Send an RTT Measure Request."""
        number = self._next_number()
        if len(self._sent_at) >= MAX_OUTSTANDING:
            self._sent_at.clear()
        self._sent_at[number] = link.now
        kind = RequestType.RTT_CONNECT_TIME if self.is_connect_time else RequestType.RTT
        link.send_message(RttMeasureRequest(number, kind))

    def on_response(self, link: ServerLink, response: AutoDetectResponse) -> None:
        """An answer; one that nobody asked for has no effect."""
        match response:
            case RttMeasureResponse():
                self._on_round_trip(link, response)
            case BandwidthMeasureResults():
                self._on_bandwidth(link, response)
            case _:
                link.note(f"{type(response).__name__} has no effect")

    # -- inside ----------------------------------------------------------------------------------

    def _on_round_trip(self, link: ServerLink, response: RttMeasureResponse) -> None:
        sent_at = self._sent_at.pop(response.sequence_number, None)
        if sent_at is None:
            link.note(f"RTT response {response.sequence_number} answers nothing")
            return
        seconds = max(link.now - sent_at, 0.0)
        link.facts.round_trip_seconds = seconds
        if self._base_round_trip is None or seconds < self._base_round_trip:
            self._base_round_trip = seconds
        if self.is_connect_time:
            self._measure_bandwidth(link)
        else:
            link.emit(NetworkMeasured(seconds, link.facts.bits_per_second or 0.0))

    def _measure_bandwidth(self, link: ServerLink) -> None:
        number = self._next_number()
        payload = link.config.entropy(PAYLOAD_SIZE)  # random, so that nothing on the way compresses it
        link.send_message(BandwidthMeasureStart(number, RequestType.BANDWIDTH_START_CONNECT_TIME))
        for _ in range(PAYLOAD_COUNT):
            link.send_message(BandwidthMeasurePayload(number, payload))
        stop = RequestType.BANDWIDTH_STOP_CONNECT_TIME
        link.send_message(BandwidthMeasureStop(number, stop, payload))

    def _on_bandwidth(self, link: ServerLink, response: BandwidthMeasureResults) -> None:
        if not self.is_connect_time:
            link.note("bandwidth results that nobody asked for")
            return
        # A fast link is over within the client's clock tick: a millisecond at least.
        milliseconds = max(response.time_delta, 1)
        bits_per_second = response.byte_count * 8 * 1000 / milliseconds
        facts = link.facts
        facts.bits_per_second = bits_per_second
        round_trip = facts.round_trip_seconds or 0.0
        link.send_message(
            NetworkCharacteristicsResult(
                self._next_number(),
                average_rtt=round(round_trip * 1000),
                base_rtt=round((self._base_round_trip or 0.0) * 1000),
                bandwidth=min(round(bits_per_second / 1000), 0xFFFFFFFF),
            )
        )
        self.is_connect_time = False
        self.is_connect_time_done = True
        link.emit(NetworkMeasured(round_trip, bits_per_second))

    def give_up_connect_time(self) -> None:
        """The client did not answer in time; late answers count as answers to nothing."""
        self.is_connect_time = False
        self._sent_at.clear()

    def _next_number(self) -> int:
        self._sequence_number = (self._sequence_number + 1) & 0xFFFF
        return self._sequence_number
