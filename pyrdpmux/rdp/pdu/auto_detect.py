"""Network characteristics detection: round-trip time and bandwidth, asked by the server.

Each message carries the header of MS-RDPBCGR 2.2.14 itself: length of the header, direction, sequence number,
type. The same messages run in the optional phase of the connection sequence, later on the message channel,
and over UDP transports; the type tells which.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import OpenIntEnum, Reader, Writer, decode, frame_offset

TYPE_ID_AUTODETECT_REQUEST: Final = 0x00
TYPE_ID_AUTODETECT_RESPONSE: Final = 0x01
HEADER_SIZE: Final = 6


class RequestType(OpenIntEnum):
    """requestType of MS-RDPBCGR 2.2.14.1."""

    RTT = 0x0001
    RTT_CONNECT_TIME = 0x1001
    BANDWIDTH_START = 0x0014
    BANDWIDTH_START_LOSSY = 0x0114
    BANDWIDTH_START_CONNECT_TIME = 0x1014
    BANDWIDTH_PAYLOAD = 0x0002
    BANDWIDTH_STOP_CONNECT_TIME = 0x002B
    BANDWIDTH_STOP = 0x0429
    BANDWIDTH_STOP_LOSSY = 0x0629
    RESULT_RTT = 0x0840
    RESULT_BANDWIDTH = 0x0880
    RESULT_ALL = 0x08C0


class ResponseType(OpenIntEnum):
    """responseType of MS-RDPBCGR 2.2.14.2."""

    RTT = 0x0000
    BANDWIDTH_CONNECT_TIME = 0x0003
    BANDWIDTH = 0x000B
    NETWORK_CHARACTERISTICS_SYNC = 0x0018


def _read_header(r: Reader, type_id: int) -> tuple[int, int]:
    """sequenceNumber, and the type number.

    QUIRK(any peer): headerLength is redundant, since each type has one size, and is passed over.
    """
    r.u8("headerLength")
    r.constant_u8("headerTypeId", type_id)
    return r.u16_le("sequenceNumber"), r.u16_le("type")


def _write_header(w: Writer, length: int, type_id: int, sequence_number: int, number: int) -> None:
    w.u8("headerLength", length)
    w.u8("headerTypeId", type_id)
    w.u16_le("sequenceNumber", sequence_number)
    w.u16_le("type", number)


@dataclass(frozen=True, slots=True)
class RttMeasureRequest:
    """MS-RDPBCGR 2.2.14.1.1 RTT Measure Request (RDP_RTT_REQUEST)."""

    sequence_number: int
    request_type: RequestType = RequestType.RTT

    @classmethod
    def read(cls, r: Reader) -> Self:
        sequence_number, number = _read_header(r, TYPE_ID_AUTODETECT_REQUEST)
        return cls(sequence_number, RequestType(number))

    def write(self, w: Writer) -> None:
        _write_header(w, HEADER_SIZE, TYPE_ID_AUTODETECT_REQUEST, self.sequence_number, self.request_type)


@dataclass(frozen=True, slots=True)
class BandwidthMeasureStart:
    """MS-RDPBCGR 2.2.14.1.2 Bandwidth Measure Start (RDP_BW_START)."""

    sequence_number: int
    request_type: RequestType = RequestType.BANDWIDTH_START

    @classmethod
    def read(cls, r: Reader) -> Self:
        sequence_number, number = _read_header(r, TYPE_ID_AUTODETECT_REQUEST)
        return cls(sequence_number, RequestType(number))

    def write(self, w: Writer) -> None:
        _write_header(w, HEADER_SIZE, TYPE_ID_AUTODETECT_REQUEST, self.sequence_number, self.request_type)


@dataclass(frozen=True, slots=True)
class BandwidthMeasurePayload:
    """MS-RDPBCGR 2.2.14.1.3 Bandwidth Measure Payload (RDP_BW_PAYLOAD)."""

    sequence_number: int
    payload: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        sequence_number, _ = _read_header(r, TYPE_ID_AUTODETECT_REQUEST)
        return cls(sequence_number, r.raw("payload", r.u16_le("payloadLength")))

    def write(self, w: Writer) -> None:
        number = RequestType.BANDWIDTH_PAYLOAD
        _write_header(w, HEADER_SIZE + 2, TYPE_ID_AUTODETECT_REQUEST, self.sequence_number, number)
        with w.length_u16_le("payloadLength"):
            w.raw("payload", self.payload)


@dataclass(frozen=True, slots=True)
class BandwidthMeasureStop:
    """MS-RDPBCGR 2.2.14.1.4 Bandwidth Measure Stop (RDP_BW_STOP).

    Only the connect-time type has a payload.
    """

    sequence_number: int
    request_type: RequestType = RequestType.BANDWIDTH_STOP
    payload: bytes = b""

    @classmethod
    def read(cls, r: Reader) -> Self:
        sequence_number, number = _read_header(r, TYPE_ID_AUTODETECT_REQUEST)
        request_type = RequestType(number)
        if request_type != RequestType.BANDWIDTH_STOP_CONNECT_TIME:
            return cls(sequence_number, request_type)
        return cls(sequence_number, request_type, r.raw("payload", r.u16_le("payloadLength")))

    def write(self, w: Writer) -> None:
        has_payload = self.request_type == RequestType.BANDWIDTH_STOP_CONNECT_TIME
        length = HEADER_SIZE + 2 if has_payload else HEADER_SIZE
        _write_header(w, length, TYPE_ID_AUTODETECT_REQUEST, self.sequence_number, self.request_type)
        if has_payload:
            with w.length_u16_le("payloadLength"):
                w.raw("payload", self.payload)
        elif self.payload:
            raise w.error("payload", "only a connect-time stop has one")


@dataclass(frozen=True, slots=True)
class NetworkCharacteristicsResult:
    """MS-RDPBCGR 2.2.14.1.5 Network Characteristics Result (RDP_NETCHAR_RESULTS): ms and kbit/s."""

    sequence_number: int
    average_rtt: int
    base_rtt: int | None = None
    bandwidth: int | None = None

    @property
    def request_type(self) -> RequestType:
        if self.base_rtt is None:
            return RequestType.RESULT_BANDWIDTH
        return RequestType.RESULT_RTT if self.bandwidth is None else RequestType.RESULT_ALL

    @classmethod
    def read(cls, r: Reader) -> Self:
        sequence_number, number = _read_header(r, TYPE_ID_AUTODETECT_REQUEST)
        base_rtt = None if number == RequestType.RESULT_BANDWIDTH else r.u32_le("baseRTT")
        bandwidth = None if number == RequestType.RESULT_RTT else r.u32_le("bandwidth")
        return cls(sequence_number, r.u32_le("averageRTT"), base_rtt, bandwidth)

    def write(self, w: Writer) -> None:
        number = self.request_type
        length = 18 if number == RequestType.RESULT_ALL else 14
        _write_header(w, length, TYPE_ID_AUTODETECT_REQUEST, self.sequence_number, number)
        if self.base_rtt is None and self.bandwidth is None:
            raise w.error("bandwidth", "neither baseRTT nor bandwidth is there")
        if self.base_rtt is not None:
            w.u32_le("baseRTT", self.base_rtt)
        if self.bandwidth is not None:
            w.u32_le("bandwidth", self.bandwidth)
        w.u32_le("averageRTT", self.average_rtt)


@dataclass(frozen=True, slots=True)
class RttMeasureResponse:
    """MS-RDPBCGR 2.2.14.2.1 RTT Measure Response (RDP_RTT_RESPONSE)."""

    sequence_number: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        sequence_number, _ = _read_header(r, TYPE_ID_AUTODETECT_RESPONSE)
        return cls(sequence_number)

    def write(self, w: Writer) -> None:
        number = ResponseType.RTT
        _write_header(w, HEADER_SIZE, TYPE_ID_AUTODETECT_RESPONSE, self.sequence_number, number)


@dataclass(frozen=True, slots=True)
class BandwidthMeasureResults:
    """MS-RDPBCGR 2.2.14.2.2 Bandwidth Measure Results (RDP_BW_RESULTS): milliseconds and bytes."""

    sequence_number: int
    time_delta: int
    byte_count: int
    response_type: ResponseType = ResponseType.BANDWIDTH

    @classmethod
    def read(cls, r: Reader) -> Self:
        sequence_number, number = _read_header(r, TYPE_ID_AUTODETECT_RESPONSE)
        return cls(sequence_number, r.u32_le("timeDelta"), r.u32_le("byteCount"), ResponseType(number))

    def write(self, w: Writer) -> None:
        _write_header(w, 14, TYPE_ID_AUTODETECT_RESPONSE, self.sequence_number, self.response_type)
        w.u32_le("timeDelta", self.time_delta)
        w.u32_le("byteCount", self.byte_count)


@dataclass(frozen=True, slots=True)
class NetworkCharacteristicsSync:
    """MS-RDPBCGR 2.2.14.2.3 Network Characteristics Sync (RDP_NETCHAR_SYNC): kbit/s and ms."""

    sequence_number: int
    bandwidth: int
    rtt: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        sequence_number, _ = _read_header(r, TYPE_ID_AUTODETECT_RESPONSE)
        return cls(sequence_number, r.u32_le("bandwidth"), r.u32_le("rtt"))

    def write(self, w: Writer) -> None:
        number = ResponseType.NETWORK_CHARACTERISTICS_SYNC
        _write_header(w, 14, TYPE_ID_AUTODETECT_RESPONSE, self.sequence_number, number)
        w.u32_le("bandwidth", self.bandwidth)
        w.u32_le("rtt", self.rtt)


@dataclass(frozen=True, slots=True)
class UnknownAutoDetect:
    """MS-RDPBCGR 2.2.14 a message of a type we do not know."""

    header_length: int
    header_type_id: int
    sequence_number: int
    type: int
    data: bytes = b""

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            r.u8("headerLength"),
            r.u8("headerTypeId"),
            r.u16_le("sequenceNumber"),
            r.u16_le("type"),
            r.rest("data"),
        )

    def write(self, w: Writer) -> None:
        _write_header(w, self.header_length, self.header_type_id, self.sequence_number, self.type)
        w.raw("data", self.data)


AutoDetectRequest = (
    RttMeasureRequest
    | BandwidthMeasureStart
    | BandwidthMeasurePayload
    | BandwidthMeasureStop
    | NetworkCharacteristicsResult
)
AutoDetectResponse = RttMeasureResponse | BandwidthMeasureResults | NetworkCharacteristicsSync
AutoDetectMessage = AutoDetectRequest | AutoDetectResponse | UnknownAutoDetect

MESSAGE_TYPES: Final[dict[tuple[int, int], type[Any]]] = {
    (TYPE_ID_AUTODETECT_REQUEST, RequestType.RTT): RttMeasureRequest,
    (TYPE_ID_AUTODETECT_REQUEST, RequestType.RTT_CONNECT_TIME): RttMeasureRequest,
    (TYPE_ID_AUTODETECT_REQUEST, RequestType.BANDWIDTH_START): BandwidthMeasureStart,
    (TYPE_ID_AUTODETECT_REQUEST, RequestType.BANDWIDTH_START_LOSSY): BandwidthMeasureStart,
    (TYPE_ID_AUTODETECT_REQUEST, RequestType.BANDWIDTH_START_CONNECT_TIME): BandwidthMeasureStart,
    (TYPE_ID_AUTODETECT_REQUEST, RequestType.BANDWIDTH_PAYLOAD): BandwidthMeasurePayload,
    (TYPE_ID_AUTODETECT_REQUEST, RequestType.BANDWIDTH_STOP_CONNECT_TIME): BandwidthMeasureStop,
    (TYPE_ID_AUTODETECT_REQUEST, RequestType.BANDWIDTH_STOP): BandwidthMeasureStop,
    (TYPE_ID_AUTODETECT_REQUEST, RequestType.BANDWIDTH_STOP_LOSSY): BandwidthMeasureStop,
    (TYPE_ID_AUTODETECT_REQUEST, RequestType.RESULT_RTT): NetworkCharacteristicsResult,
    (TYPE_ID_AUTODETECT_REQUEST, RequestType.RESULT_BANDWIDTH): NetworkCharacteristicsResult,
    (TYPE_ID_AUTODETECT_REQUEST, RequestType.RESULT_ALL): NetworkCharacteristicsResult,
    (TYPE_ID_AUTODETECT_RESPONSE, ResponseType.RTT): RttMeasureResponse,
    (TYPE_ID_AUTODETECT_RESPONSE, ResponseType.BANDWIDTH_CONNECT_TIME): BandwidthMeasureResults,
    (TYPE_ID_AUTODETECT_RESPONSE, ResponseType.BANDWIDTH): BandwidthMeasureResults,
    (TYPE_ID_AUTODETECT_RESPONSE, ResponseType.NETWORK_CHARACTERISTICS_SYNC): NetworkCharacteristicsSync,
}


def decode_auto_detect(data: bytes) -> AutoDetectMessage:
    """Whichever message ``data`` (what follows the security header) is."""
    if len(data) < HEADER_SIZE:
        raise DecodeError(
            "AutoDetect.header", f"need {HEADER_SIZE} bytes, {len(data)} left", frame_offset(data)
        )
    # The type stands behind the header's other fields; the class reads them all again.
    cls = MESSAGE_TYPES.get((data[1], data[4] | data[5] << 8), UnknownAutoDetect)
    message: AutoDetectMessage = decode(cls, data)
    return message
