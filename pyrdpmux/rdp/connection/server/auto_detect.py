"""Network characteristics (MS-RDPBCGR 2.2.14): round trips and bandwidth, while there is output.

Both are measured while the connection is active, on data that has to be sent anyway: the bandwidth on the
first picture, and now and then on a large one. The connect-time variant (1.3.1.1) is there for those who want
it, but it makes every client wait for two round trips.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pyrdpmux.rdp.connection.events import NetworkMeasured
from pyrdpmux.rdp.connection.facts import ServerFacts
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
from pyrdpmux.rdp.pdu.message_channel import KnownMessage

#: one connect-time bandwidth measurement: enough to time on a slow link, nothing to wait for on a fast one
PAYLOAD_SIZE: Final = 14 * 1024
PAYLOAD_COUNT: Final = 2
#: of the first picture: where a measurement on real output ends
MEASURED_OUTPUT: Final = 64 * 1024
#: later, an output of so many bytes is measured by itself: one with gaps would tell of the gaps
REPEATED_OUTPUT: Final = 32 * 1024
#: a whole frame of so many is measured by itself, the first one, too: less is over within a clock tick
FRAME_OUTPUT: Final = 16 * 1024
#: between two of these measurements
BANDWIDTH_SECONDS: Final = 10.0
#: measurements that were never answered are forgotten
MAX_OUTSTANDING: Final = 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comes of a client's answer; of one that nobody asked for, nothing but a note."""

    #: to be sent, in this order
    messages: tuple[KnownMessage, ...] = ()
    measured: NetworkMeasured | None = None
    #: for the tracer
    note: str = ""
    #: what was begun has come to its end
    is_complete: bool = False


class AutoDetect:
    """The measurements of one connection: what is to be sent for them, and what answers mean.

    Results go into ``facts``; ``entropy`` makes payload that nothing on the way can compress.
    """

    def __init__(self, facts: ServerFacts, entropy: Callable[[int], bytes]) -> None:
        self._facts = facts
        self._entropy = entropy
        self._sequence_number = 0
        self._sent_at: dict[int, float] = {}
        self._base_round_trip: float | None = None
        #: bytes of output since the measurement began, and with how many it ends; None: none runs
        self._measured_output: int | None = None
        self._wanted_output = MEASURED_OUTPUT
        #: none has begun yet
        self._is_first = True
        self._may_begin = True
        #: when the next one may; None: as soon as a tick has seen the last one
        self._next_at: float | None = None
        #: a tick has found it running
        self._is_old = False
        #: number of the bandwidth measurement that runs, or whose result is awaited
        self._bandwidth_number: int | None = None
        self._is_bandwidth_awaited = False
        self.is_connect_time = False

    # -- asking ----------------------------------------------------------------------------------

    def begin_connect_time(self, now: float) -> RttMeasureRequest:
        """The first round trip; its answer starts the bandwidth measurement."""
        self.is_connect_time = True
        return self.measure(now)

    def give_up_connect_time(self) -> None:
        """The client did not answer in time; late answers count as answers to nothing."""
        self.is_connect_time = False
        self._is_bandwidth_awaited = False
        self._sent_at.clear()

    def measure(self, now: float) -> RttMeasureRequest:
        """The request that measures a round trip, sent now."""
        number = self._next_number()
        if len(self._sent_at) >= MAX_OUTSTANDING:
            self._sent_at.clear()
        self._sent_at[number] = now
        kind = RequestType.RTT_CONNECT_TIME if self.is_connect_time else RequestType.RTT
        return RttMeasureRequest(number, kind)

    def before_output(self, size: int, *, is_frame: bool = False) -> BandwidthMeasureStart | None:
        """Output of ``size`` bytes is about to be sent: perhaps a measurement begins in front of it.

        ``is_frame``: all of a frame; until the next one comes there is a gap.
        """
        if self._is_first and self._facts.bits_per_second is not None:
            self._is_first = self._may_begin = False  # measured while connecting
        is_enough = size >= FRAME_OUTPUT if is_frame else self._is_first or size >= REPEATED_OUTPUT
        if self._measured_output is not None or not (self._may_begin and is_enough):
            return None
        self._wanted_output = (
            MEASURED_OUTPUT if self._is_first and not is_frame else min(size, REPEATED_OUTPUT)
        )
        self._measured_output = 0
        self._is_first = self._may_begin = self._is_old = self._is_bandwidth_awaited = False
        self._next_at = None
        self._bandwidth_number = self._next_number()
        return BandwidthMeasureStart(self._bandwidth_number, RequestType.BANDWIDTH_START)

    def after_output(self, size: int) -> BandwidthMeasureStop | None:
        """``size`` bytes of output were sent: behind enough of them the measurement ends."""
        if self._measured_output is None:
            return None
        self._measured_output += size
        if self._measured_output < self._wanted_output or self._bandwidth_number is None:
            return None
        self._measured_output = None
        self._is_bandwidth_awaited = True
        return BandwidthMeasureStop(self._bandwidth_number, RequestType.BANDWIDTH_STOP)

    def tick(self, now: float) -> None:
        """The time, now and then while there is output; output itself comes without it.

        A measurement that takes until the second tick has had too little output to be one, and is given up.
        """
        if self._is_old:
            self._measured_output = None
        self._is_old = self._measured_output is not None
        if self._next_at is None and not self._may_begin:
            self._next_at = now + BANDWIDTH_SECONDS
        if self._next_at is not None and now >= self._next_at:
            self._may_begin = True

    # -- answers ---------------------------------------------------------------------------------

    def answered(self, response: AutoDetectResponse, now: float) -> Outcome:
        """What comes of an answer that arrived now."""
        match response:
            case RttMeasureResponse():
                return self._on_round_trip(response, now)
            case BandwidthMeasureResults():
                return self._on_bandwidth(response)
        return Outcome(note=f"{type(response).__name__} has no effect")

    def _on_round_trip(self, response: RttMeasureResponse, now: float) -> Outcome:
        sent_at = self._sent_at.pop(response.sequence_number, None)
        if sent_at is None:
            return Outcome(note=f"RTT response {response.sequence_number} answers nothing")
        seconds = max(now - sent_at, 0.0)
        self._facts.round_trip_seconds = seconds
        if self._base_round_trip is None or seconds < self._base_round_trip:
            self._base_round_trip = seconds
        if self.is_connect_time:
            return Outcome(self._payload())
        return Outcome(measured=NetworkMeasured(seconds, 0.0), is_complete=True)

    def _payload(self) -> tuple[KnownMessage, ...]:
        number = self._bandwidth_number = self._next_number()
        payload = self._entropy(PAYLOAD_SIZE)
        self._is_bandwidth_awaited = True
        return (
            BandwidthMeasureStart(number, RequestType.BANDWIDTH_START_CONNECT_TIME),
            *[BandwidthMeasurePayload(number, payload)] * PAYLOAD_COUNT,
            BandwidthMeasureStop(number, RequestType.BANDWIDTH_STOP_CONNECT_TIME, payload),
        )

    def _on_bandwidth(self, response: BandwidthMeasureResults) -> Outcome:
        # QUIRK(FreeRDP): results carry a sequence number of the client's own, so it is not compared.
        if not self._is_bandwidth_awaited:
            return Outcome(note="bandwidth results that nobody asked for")
        self._is_bandwidth_awaited = False
        # A fast link is over within the client's clock tick: a millisecond at least.
        bits_per_second = response.byte_count * 8 * 1000 / max(response.time_delta, 1)
        self._facts.bits_per_second = bits_per_second
        round_trip = self._facts.round_trip_seconds or 0.0
        self.is_connect_time = False
        result = NetworkCharacteristicsResult(
            self._next_number(),
            average_rtt=round(round_trip * 1000),
            base_rtt=round((self._base_round_trip or 0.0) * 1000),
            bandwidth=min(round(bits_per_second / 1000), 0xFFFFFFFF),
        )
        return Outcome((result,), NetworkMeasured(round_trip, bits_per_second), is_complete=True)

    def _next_number(self) -> int:
        self._sequence_number = (self._sequence_number + 1) & 0xFFFF
        return self._sequence_number
