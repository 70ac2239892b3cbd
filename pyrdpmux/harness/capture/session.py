"""A captured RDP connection as units: what passed in which direction, in order, out of TLS.

Knows the order in which a connection begins (X.224, then TLS, then CredSSP, then RDP) and where units end;
what the units mean is :mod:`pyrdpmux.harness.capture.dissect`'s knowledge.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.keylog import KeyLog
from pyrdpmux.harness.capture.pcap import read_packets
from pyrdpmux.harness.capture.tcp import Conversation, Stream, conversations
from pyrdpmux.harness.capture.tls_capture import ContentType, Direction, PlainRecord, decrypt_streams
from pyrdpmux.rdp.connection.framer import take_frame
from pyrdpmux.rdp.fastpath.header import is_fast_path
from pyrdpmux.rdp.x224.negotiation import NegotiationResponse, SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import VERSION, Tpkt
from pyrdpmux.wire import Reader, decode

TAG_SEQUENCE: Final = 0x30
EARLY_USER_AUTH_SIZE: Final = 4
MAXIMUM_TS_REQUEST_SIZE: Final = 1 << 20
CREDSSP: Final = SecurityProtocol.HYBRID | SecurityProtocol.HYBRID_EX


class UnitKind(Enum):
    """What kind of message a unit is, as far as its framing says."""

    X224 = "x224"
    TS_REQUEST = "tsreq"
    EARLY_USER_AUTH = "eua"
    TPKT = "tpkt"
    FAST_PATH = "fp"


@dataclass(frozen=True, slots=True)
class Unit:
    """One message of one side. ``number`` is the captured packet that completed it."""

    direction: Direction
    kind: UnitKind
    data: bytes
    number: int = 0
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class Session:
    """One captured connection."""

    name: str
    protocol: SecurityProtocol
    units: tuple[Unit, ...]

    def of(self, direction: Direction) -> Iterator[Unit]:
        return (unit for unit in self.units if unit.direction is direction)


def open_session(pcap: Path, keys: Path | None = None) -> Session:
    """The last RDP connection of a capture. CaptureError says what is wrong with the files.

    The last one, because clients try again (xfreerdp connects anew when asked to accept a certificate).
    """
    found = [c for c in conversations(read_packets(pcap)) if c.from_client.data and c.from_server.data]
    if not found:
        raise CaptureError(f"{pcap}: no TCP connection with data both ways")
    try:
        return read_session(found[-1], KeyLog.load(keys) if keys else None, pcap.stem)
    except CaptureError as error:
        raise CaptureError(f"{pcap}: {error}") from None
    except DecodeError as error:
        raise CaptureError(f"{pcap}: {found[-1]}: {error}") from None


def read_session(conversation: Conversation, keys: KeyLog | None, name: str) -> Session:
    """All units of one TCP connection."""
    client = _Plain(Direction.CLIENT, conversation.from_client)
    server = _Plain(Direction.SERVER, conversation.from_server)
    request, confirm = client.take_x224(), server.take_x224()
    protocol = _selected_protocol(confirm)
    if protocol != SecurityProtocol.RDP and client.data:
        if keys is None:
            raise CaptureError(f"{protocol!r} was chosen, but there is no key log")
        records = decrypt_streams(bytes(client.data), bytes(server.data), keys)
        client, server = client.behind_tls(records), server.behind_tls(records)
    units = [request, confirm]
    for side in (client, server):
        if protocol & CREDSSP:
            units += side.credssp(protocol)
        units += side.frames()
    units.sort(key=lambda unit: unit.number)
    return Session(name, protocol, tuple(units))


def _selected_protocol(confirm: Unit) -> SecurityProtocol:
    tpdu = decode_tpdu(decode(Tpkt, confirm.data).payload)
    if isinstance(tpdu, ConnectionConfirm) and isinstance(tpdu.negotiation, NegotiationResponse):
        return tpdu.negotiation.selected_protocol
    return SecurityProtocol.RDP


class _Plain:
    """What is left of one direction's plain bytes, and which packet brought which of them."""

    def __init__(self, direction: Direction, stream: Stream) -> None:
        self.direction = direction
        self.data = bytearray(stream.data)
        self._stream = stream
        self._end = 0

    def take_x224(self) -> Unit:
        frame = take_frame(self.data)
        if frame is None:
            raise CaptureError(f"the {self.direction.name.lower()} sent no whole packet")
        return self._unit(UnitKind.X224, frame)

    def behind_tls(self, records: list[PlainRecord]) -> "_Plain":
        """The same direction's plaintext; its bytes came when their records were complete."""
        plain = Stream()
        for record in records:
            if record.direction is self.direction and record.kind == ContentType.APPLICATION_DATA:
                plain.data += record.data
                arrival = self._stream.arrival_of(self._end + record.end)
                plain.arrivals.append(type(arrival)(len(plain.data), arrival.number, arrival.time))
        return _Plain(self.direction, plain)

    def credssp(self, protocol: SecurityProtocol) -> Iterator[Unit]:
        """TSRequests, then (HYBRID_EX, server) the early user authorization result."""
        while self.data and self.data[0] == TAG_SEQUENCE:
            yield self._unit(UnitKind.TS_REQUEST, self._take(_ts_request_size(bytes(self.data))))
        has_result = protocol & SecurityProtocol.HYBRID_EX and self.direction is Direction.SERVER
        if has_result and self.data and self.data[0] != VERSION:
            yield self._unit(UnitKind.EARLY_USER_AUTH, self._take(EARLY_USER_AUTH_SIZE))

    def frames(self) -> Iterator[Unit]:
        """RDP proper. An incomplete last frame (the capture ended in it) is left out."""
        while (frame := take_frame(self.data)) is not None:
            kind = UnitKind.FAST_PATH if is_fast_path(frame[0]) else UnitKind.TPKT
            yield self._unit(kind, frame)

    def _take(self, size: int) -> bytes:
        data = bytes(self.data[:size])
        del self.data[:size]
        return data

    def _unit(self, kind: UnitKind, data: bytes) -> Unit:
        self._end += len(data)
        arrival = self._stream.arrival_of(self._end)
        return Unit(self.direction, kind, data, arrival.number, arrival.time)


def _ts_request_size(data: bytes) -> int:
    """Size of the DER SEQUENCE at the start of ``data``."""
    r = Reader(data, "TsRequest")
    r.u8("tag")
    size = r.u8("length")
    if size & 0x80:
        size = r.uint_be("length", size & 0x7F)
    if size > min(r.remaining, MAXIMUM_TS_REQUEST_SIZE):
        raise r.error("length", f"{size}, but {r.remaining} bytes are left")
    return r.offset + size
