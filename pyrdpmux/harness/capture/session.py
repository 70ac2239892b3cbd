"""A captured RDP connection as units: what passed in which direction, in order, out of TLS.

Knows the order in which a connection begins (X.224, then TLS, then CredSSP, then RDP); where units end is
:mod:`~pyrdpmux.harness.capture.framing`'s knowledge, what they mean that of
:mod:`~pyrdpmux.harness.capture.dissect`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.framing import Framer
from pyrdpmux.harness.capture.keylog import KeyLog
from pyrdpmux.harness.capture.pcap import read_capture
from pyrdpmux.harness.capture.stop import Direction, Stop, StopLayer, Stops
from pyrdpmux.harness.capture.stream import Stream
from pyrdpmux.harness.capture.tcp import Conversation, conversations
from pyrdpmux.harness.capture.tls_capture import open_tls
from pyrdpmux.harness.capture.tls_records import is_tls
from pyrdpmux.harness.capture.unit import Unit
from pyrdpmux.rdp.x224.negotiation import NegotiationResponse, SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode


@dataclass(frozen=True, slots=True)
class Session:
    """One captured connection: its units in order, and what could not be read.

    ``protocol`` is None where the server's choice was not captured. ``is_tls``: the bytes behind X.224
    are TLS's, so that there is no encryption of RDP's own.
    """

    name: str
    protocol: SecurityProtocol | None
    units: tuple[Unit, ...]
    stops: tuple[Stop, ...] = ()
    is_tls: bool = False

    def of(self, direction: Direction) -> Iterator[Unit]:
        return (unit for unit in self.units if unit.direction is direction)


def open_session(pcap: Path, keys: Path | None = None) -> Session:
    """The last RDP connection of a capture of which everything can be read, else CaptureError.

    The last one, because clients try again (xfreerdp connects anew when asked to accept a certificate).
    """
    capture = read_capture(pcap)
    found, stops = conversations(capture.packets)
    found = [c for c in found if c.from_client.data and c.from_server.data]
    if not found:
        raise CaptureError(f"{pcap}: no TCP connection with data both ways")
    session = read_session(found[-1], KeyLog.load(keys) if keys else None, pcap.stem)
    for stop in (*capture.stops, *stops, *session.stops):
        if not stop.is_end:
            raise CaptureError(f"{pcap}: {found[-1]}: {stop}")
    return session


def read_session(conversation: Conversation, keys: KeyLog | None, name: str) -> Session:
    """All units of one TCP connection that can be read, whatever is missing."""
    stops = Stops()
    streams = {
        Direction.CLIENT: conversation.from_client,
        Direction.SERVER: conversation.from_server,
    }
    for direction, stream in streams.items():
        stops.extend(tuple(_gap_stops(direction, stream)))
    framers = [Framer(direction, stream) for direction, stream in streams.items()]
    _, confirm = (framer.take_x224() for framer in framers)
    protocol = _selected_protocol(confirm, stops)
    units = [unit for framer in framers for unit in framer.units]
    rests = [framer.rest() for framer in framers]
    plain, has_tls = rests, protocol != SecurityProtocol.RDP and any(map(_begins_tls, rests))
    if has_tls:
        sides = open_tls(rests[0], rests[1], keys)
        for side in sides:
            units += side.units
            stops.extend(side.stops)
        plain = [side.plain for side in sides]
    for first, direction, stream in zip(framers, streams, plain, strict=True):
        stops.extend(first.stops)
        framer = Framer(direction, stream)
        framer.read(protocol if protocol is not None else SecurityProtocol.HYBRID)
        units += framer.units
        stops.extend(framer.stops)
    units.sort(key=lambda unit: unit.number)
    return Session(name, protocol, tuple(units), stops.all(), has_tls)


def _selected_protocol(confirm: Unit | None, stops: Stops) -> SecurityProtocol | None:
    if confirm is None:
        return None
    try:
        tpdu = decode_tpdu(decode(Tpkt, confirm.data).payload)
    except DecodeError as error:
        stops.add(Stop(StopLayer.RDP, str(error), confirm.number, confirm.time, confirm.direction))
        return None
    if isinstance(tpdu, ConnectionConfirm) and isinstance(tpdu.negotiation, NegotiationResponse):
        return tpdu.negotiation.selected_protocol
    return SecurityProtocol.RDP


def _begins_tls(stream: Stream) -> bool:
    return any(is_tls(run.data) for run in stream.runs[:1])


def _gap_stops(direction: Direction, stream: Stream) -> Iterator[Stop]:
    for run in stream.runs:
        if run.gap is not None:
            arrival = run.arrivals[0]
            yield Stop(StopLayer.TCP, str(run.gap), arrival.number, arrival.time, direction)
    if stream.tail is not None:
        arrival = stream.runs[-1].arrivals[-1]
        reason = str(stream.tail)
        yield Stop(StopLayer.TCP, reason, arrival.number, arrival.time, direction, is_end=True)
