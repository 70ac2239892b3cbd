"""TCP conversations out of captured packets: each becomes two byte streams with times."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.exported import decode_exported
from pyrdpmux.harness.capture.frame import FLAG_ACK, FLAG_SYN, Address, Segment, decode_segment
from pyrdpmux.harness.capture.packet import LinkType, Packet
from pyrdpmux.harness.capture.stop import Stop, StopLayer, Stops
from pyrdpmux.harness.capture.stream import Stream, StreamAssembler

RDP_PORT: Final = 3389
#: A port scan is not what this is for.
MAXIMUM_CONVERSATIONS: Final = 10_000


@dataclass(slots=True)
class Conversation:
    """One TCP connection. The client is who sent the SYN, or else whose port is the less known."""

    client: Address
    server: Address
    from_client: Stream = field(default_factory=Stream)
    from_server: Stream = field(default_factory=Stream)
    #: when its first packet came, in seconds since 1970
    time: float = 0.0

    def __str__(self) -> str:
        return f"{_text(self.client)} -> {_text(self.server)}"


def _text(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def conversations(packets: Iterable[Packet]) -> tuple[list[Conversation], tuple[Stop, ...]]:
    """All TCP connections of which something was captured, in their order, and what stood in the way."""
    collector = _Collector()
    stops = Stops()
    for number, packet in enumerate(packets, 1):
        try:
            if packet.link_type == LinkType.WIRESHARK_UPPER_PDU:
                collector.add_exported(decode_exported(packet), number)
            elif (segment := decode_segment(packet)) is not None:
                collector.add(segment, number)
        except (DecodeError, CaptureError) as error:
            stops.add(Stop(StopLayer.FRAME, str(error), number, packet.time))
    return [tracker.finish() for tracker in collector.trackers], stops.all()


class _Tracker:
    """A connection while its packets are gone through."""

    def __init__(self, client: Address, server: Address, time: float) -> None:
        self._conversation = Conversation(client, server, time=time)
        self.assemblers = {client: StreamAssembler(), server: StreamAssembler()}

    def finish(self) -> Conversation:
        conversation = self._conversation
        conversation.from_client = self.assemblers[conversation.client].finish()
        conversation.from_server = self.assemblers[conversation.server].finish()
        return conversation


class _Collector:
    def __init__(self) -> None:
        self.trackers: list[_Tracker] = []
        self._by_addresses: dict[frozenset[Address], _Tracker] = {}

    def add(self, segment: Segment, number: int) -> None:
        tracker = self._tracker_of(segment)
        assembler = tracker.assemblers[segment.source]
        if segment.flags & FLAG_SYN:
            assembler.begin(segment.sequence + 1)
            if segment.flags & FLAG_ACK:
                tracker.assemblers[segment.destination].acknowledge_begin(segment.acknowledgment)
        elif segment.data or segment.missing_size:
            sequence = segment.sequence
            assembler.add(sequence, segment.data, number, segment.time, segment.missing_size)

    def add_exported(self, segment: Segment | None, number: int) -> None:
        """A message that something else has taken out of its stream: it follows the one before it."""
        if segment is None:
            return
        assembler = self._tracker_of(segment).assemblers[segment.source]
        if not assembler.end:
            assembler.begin(0)
        assembler.add(assembler.end, segment.data, number, segment.time)

    def _tracker_of(self, segment: Segment) -> _Tracker:
        key = frozenset((segment.source, segment.destination))
        if len(key) == 1:
            raise CaptureError("a connection of a port with itself")
        tracker = self._by_addresses.get(key)
        if tracker is None or _starts_anew(tracker, segment):
            if len(self.trackers) >= MAXIMUM_CONVERSATIONS:
                raise CaptureError(f"more than {MAXIMUM_CONVERSATIONS} connections")
            tracker = _Tracker(*_roles(segment), segment.time)
            self.trackers.append(tracker)
            self._by_addresses[key] = tracker
        return tracker


def _starts_anew(tracker: _Tracker, segment: Segment) -> bool:
    """Whether this SYN begins another connection between the same ports."""
    if not segment.flags & FLAG_SYN or segment.flags & FLAG_ACK:
        return False
    return not tracker.assemblers[segment.source].may_begin_at(segment.sequence + 1)


def _roles(segment: Segment) -> tuple[Address, Address]:
    """Client and server, by the first segment that was captured."""
    here, there = segment.source, segment.destination
    if segment.flags & FLAG_SYN:
        return (there, here) if segment.flags & FLAG_ACK else (here, there)
    if RDP_PORT in (here[1], there[1]):
        return (here, there) if there[1] == RDP_PORT else (there, here)
    return (here, there) if there[1] <= here[1] else (there, here)
