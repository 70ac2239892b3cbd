"""One direction of a TCP connection: runs of bytes, and the gaps between them."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final

SEQUENCE_SPACE: Final = 1 << 32
#: Files whose packets are not in their order (Message Analyzer's) may have a SYN behind so many bytes.
LATE_SYN_SIZE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Arrival:
    """Bytes before offset ``end`` of their run had come with packet ``number`` at ``time``."""

    end: int
    number: int
    time: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that are not in the capture. ``size`` is None where nobody knows how many."""

    size: int | None
    reason: str

    def __str__(self) -> str:
        size = "an unknown number of" if self.size is None else self.size
        return f"{size} bytes are missing: {self.reason}"


@dataclass(slots=True)
class Run:
    """Bytes without a gap, and when they came. ``gap`` is what is missing before them, if something is."""

    data: bytearray = field(default_factory=bytearray)
    arrivals: list[Arrival] = field(default_factory=list)
    gap: Gap | None = None

    def append(self, data: bytes | bytearray, number: int, time: float) -> None:
        """More bytes, from the same packet as the last ones or from a later one."""
        self.data += data
        if self.arrivals and self.arrivals[-1].number == number:
            self.arrivals.pop()
        self.arrivals.append(Arrival(len(self.data), number, time))

    def behind(self, offset: int) -> "Run":
        """The same run without its first ``offset`` bytes."""
        rest = Run(self.data[offset:], gap=self.gap)
        for arrival in self.arrivals:
            if arrival.end > offset:
                rest.arrivals.append(Arrival(arrival.end - offset, arrival.number, arrival.time))
        return rest

    def arrival_of(self, end: int) -> Arrival:
        """The packet that completed the bytes before offset ``end``."""
        at = bisect_left(self.arrivals, end, key=lambda arrival: arrival.end)
        return self.arrivals[at]

    def boundaries(self, start: int = 0) -> Iterator[int]:
        """Offsets from ``start`` on at which a packet, or a TLS record, began: where a message may begin."""
        if start == 0:
            yield 0
        first = bisect_left(self.arrivals, max(start, 1), key=lambda arrival: arrival.end)
        for at in range(first, len(self.arrivals) - 1):
            yield self.arrivals[at].end


@dataclass(slots=True)
class Stream:
    """All captured bytes of one direction, in order. ``tail`` is a gap behind them that a cut packet left."""

    runs: list[Run] = field(default_factory=list)
    tail: Gap | None = None

    @property
    def data(self) -> bytes:
        """What can be read from the beginning up to the first gap."""
        return bytes(self.runs[0].data) if self.runs and self.runs[0].gap is None else b""

    @property
    def size(self) -> int:
        return sum(len(run.data) for run in self.runs)


@dataclass(frozen=True, slots=True)
class _Piece:
    offset: int
    number: int
    time: float
    data: bytes

    @property
    def end(self) -> int:
        return self.offset + len(self.data)


class StreamAssembler:
    """Puts one direction's segments in order; what came twice counts once, as it came first.

    Costs n log n, whatever the order: segments are only collected until :meth:`finish`.
    """

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []
        #: offsets behind which a cut packet's bytes are missing, and its number
        self._cuts: dict[int, int] = {}
        #: offset 0 is whatever was seen first; ``_start`` is where the stream begins, if that is known
        self._start: int | None = None
        self._last_sequence: int | None = None
        self._last_offset = 0

    @property
    def end(self) -> int:
        """The sequence number behind the last piece."""
        return self._pieces[-1].end % SEQUENCE_SPACE if self._pieces else 0

    def may_begin_at(self, sequence: int) -> bool:
        """Whether a SYN that makes this the first byte can be that of what has been captured so far."""
        if not self._pieces:
            return True
        start = self._last_offset + self._step(sequence)
        if self._start is not None:
            return start == self._start
        return self._pieces[0].offset - LATE_SYN_SIZE <= start <= self._pieces[0].offset

    def begin(self, sequence: int) -> None:
        """A SYN was seen: the stream's first byte has this sequence number."""
        if self._last_sequence is None or not self._pieces:
            self._last_sequence, self._last_offset = sequence % SEQUENCE_SPACE, 0
        self._start = self._last_offset + self._step(sequence)

    def acknowledge_begin(self, sequence: int) -> None:
        """The other side's answer to a SYN was seen, which may itself be missing."""
        if self._start is None:
            self.begin(sequence)

    def add(self, sequence: int, data: bytes, number: int, time: float, missing_size: int = 0) -> None:
        if self._last_sequence is None:
            self._last_sequence = sequence
        offset = self._last_offset + self._step(sequence)
        self._last_sequence, self._last_offset = sequence, offset
        if data:
            self._pieces.append(_Piece(offset, number, time, data))
        if missing_size:
            self._cuts[offset + len(data)] = number

    def _step(self, sequence: int) -> int:
        """From the last sequence number to this one: they wrap, so it is taken as near as it can be."""
        step = (sequence - (self._last_sequence or 0)) % SEQUENCE_SPACE
        return step - SEQUENCE_SPACE if step >= SEQUENCE_SPACE // 2 else step

    def finish(self) -> Stream:
        stream = Stream()
        pieces = sorted(self._pieces, key=lambda piece: (piece.offset, piece.number))
        if not pieces:
            return stream
        position = self._start
        if position is None:
            position = pieces[0].offset
            stream.runs.append(Run(gap=Gap(None, "the connection's beginning was not captured")))
        else:
            stream.runs.append(Run())
        position = self._merge(stream, pieces, position)
        stream.runs = [run for run in stream.runs if run.data]
        if position in self._cuts:
            stream.tail = Gap(None, self._cut(self._cuts[position]))
        return stream

    def _merge(self, stream: Stream, pieces: list[_Piece], position: int) -> int:
        """Sweep over the pieces by offset; each byte is taken from the packet that brought it first."""
        active: list[tuple[int, int]] = []
        following = 0
        # A byte is complete only with all before it, so that packet numbers never go down.
        number, time = 0, 0.0
        while following < len(pieces) or active:
            while following < len(pieces) and pieces[following].offset <= position:
                heappush(active, (pieces[following].number, following))
                following += 1
            while active and pieces[active[0][1]].end <= position:
                heappop(active)
            if active:
                piece = pieces[active[0][1]]
                end = min(piece.end, pieces[following].offset) if following < len(pieces) else piece.end
                data = piece.data[position - piece.offset : end - piece.offset]
                if piece.number > number:
                    number, time = piece.number, piece.time
                stream.runs[-1].append(data, number, time)
                position = end
            elif following < len(pieces):
                stream.runs.append(Run(gap=self._gap(position, pieces[following].offset)))
                position = pieces[following].offset
        return position

    def _gap(self, start: int, end: int) -> Gap:
        number = self._cuts.get(start)
        reason = "no packet has them" if number is None else self._cut(number)
        return Gap(end - start, reason)

    @staticmethod
    def _cut(number: int) -> str:
        return f"packet {number} was cut by the snapshot length"
