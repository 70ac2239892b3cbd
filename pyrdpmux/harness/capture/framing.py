"""RDP's units in one direction's plain bytes, from the first X.224 packet on, found again behind a gap."""

import re
from collections.abc import Iterator
from heapq import merge
from typing import Final

from pyrdpmux.errors import DecodeError, PeerError
from pyrdpmux.harness.capture.stop import Direction, Stop, StopLayer, Stops
from pyrdpmux.harness.capture.stream import Run, Stream
from pyrdpmux.harness.capture.unit import Unit, UnitKind
from pyrdpmux.rdp.connection.framer import frame_size
from pyrdpmux.rdp.fastpath.header import is_fast_path
from pyrdpmux.rdp.preconnection import MAX_SIZE, SIZE_V1, is_preconnection
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.rdp.x224.tpkt import HEADER_SIZE, VERSION
from pyrdpmux.wire import Reader, der

EARLY_USER_AUTH_SIZE: Final = 4
CREDSSP: Final = SecurityProtocol.HYBRID | SecurityProtocol.HYBRID_EX
#: A connection with more of them is read that far.
MAXIMUM_UNITS: Final = 500_000
#: What looks like a frame is believed if so many follow each other.
CHAIN: Final = 3
#: TPKT and the X.224 Data header: seven bytes that hardly ever stand somewhere by chance.
TPKT_DATA: Final = re.compile(rb"\x03\x00..\x02\xf0\x80", re.DOTALL)
#: length indicator, code; of Connection Request, Connection Confirm
X224_CODES: Final = {Direction.CLIENT: 0xE0, Direction.SERVER: 0xD0}


def begins_x224(data: bytes | bytearray, direction: Direction) -> bool:
    """Whether a side's first bytes are an X.224 Connection Request, or the Confirm of one."""
    code = data[HEADER_SIZE + 1 : HEADER_SIZE + 2]
    return data[:1] == bytes([VERSION]) and code == bytes([X224_CODES[direction]])


def preconnection_size(data: bytes | bytearray) -> int:
    """Size of the preconnection PDU that a client begins with; 0 if there is none."""
    if not is_preconnection(data) or len(data) < SIZE_V1:
        return 0
    size = Reader(bytes(data[:4]), "Preconnection").u32_le("cbSize")
    return size if SIZE_V1 <= size <= min(MAX_SIZE, len(data)) else 0


class Framer:
    """Cuts one direction's stream into units, phase by phase."""

    def __init__(self, direction: Direction, stream: Stream) -> None:
        self.direction = direction
        self.units: list[Unit] = []
        self.stops = Stops()
        self._runs = list(stream.runs)
        self._at = 0
        self._signatures = _Signatures()

    def take_x224(self) -> Unit | None:
        """The first packet of a side; None if it was not captured whole, or is another's.

        A client may say which desktop it wants in front of it (MS-RDPEPS).
        """
        if not self._runs or self._runs[0].gap is not None:
            return None
        run = self._runs[0]
        size = preconnection_size(run.data) if self.direction is Direction.CLIENT else 0
        if size:
            self._add(UnitKind.PRECONNECTION, run, size)
        if not begins_x224(run.data[self._at : self._at + HEADER_SIZE + 2], self.direction):
            return None
        following = _size_at(run.data, self._at)
        if following is None or following > len(run.data) - self._at:
            return None
        self._add(UnitKind.X224, run, following)
        return self.units[-1]

    def rest(self) -> Stream:
        """What no unit was made of."""
        first = [self._runs[0].behind(self._at)] if self._runs else []
        return Stream([run for run in (*first, *self._runs[1:]) if run.data])

    def read(self, protocol: SecurityProtocol) -> None:
        """Everything behind X.224 and TLS: CredSSP, then frames."""
        for run in self._runs:
            if run.gap is not None:
                self._find(run, "the frame whose beginning is missing")
            elif run is self._runs[0] and protocol & CREDSSP:
                self._read_credssp(run, protocol)
            if not self._read_frames(run):
                break
            self._at = 0
            self._signatures = _Signatures()

    # -- CredSSP ---------------------------------------------------------------------------------

    def _read_credssp(self, run: Run, protocol: SecurityProtocol) -> None:
        """TSRequests, then (HYBRID_EX, server) the early user authorization result."""
        while run.data[self._at : self._at + 1] == bytes([der.SEQUENCE]) and len(self.units) < MAXIMUM_UNITS:
            try:
                size = der.frame_size(bytes(run.data[self._at : self._at + der.FRAME_HEADER_SIZE]))
            except PeerError as error:
                self._stop(str(error), run, self._at + 1)
                size = None
            if size is None or size > len(run.data) - self._at:
                self._find(run, "a TSRequest that was not captured whole")
                return
            self._add(UnitKind.TS_REQUEST, run, size)
        has_result = protocol & SecurityProtocol.HYBRID_EX and self.direction is Direction.SERVER
        following = run.data[self._at : self._at + EARLY_USER_AUTH_SIZE]
        if has_result and len(following) == EARLY_USER_AUTH_SIZE and following[0] != VERSION:
            self._add(UnitKind.EARLY_USER_AUTH, run, EARLY_USER_AUTH_SIZE)

    # -- frames ----------------------------------------------------------------------------------

    def _read_frames(self, run: Run) -> bool:
        """RDP proper, up to the end of the run. False if there are too many of them."""
        while self._at < len(run.data):
            if len(self.units) >= MAXIMUM_UNITS:
                self._stop(f"only the first {MAXIMUM_UNITS} messages are read", run, self._at + 1)
                return False
            try:
                size = _size_at(run.data, self._at)
            except DecodeError as error:
                self._stop(str(error), run, self._at + 1)
                self._at += 1
                self._find(run, "bytes that are no frame")
                continue
            left = len(run.data) - self._at
            if size is None or size > left:
                whole = "its header" if size is None else f"{size} bytes"
                self._stop(
                    f"{left} bytes of a frame ({whole}) were captured", run, len(run.data), is_end=True
                )
                break
            self._add(UnitKind.FAST_PATH if is_fast_path(run.data[self._at]) else UnitKind.TPKT, run, size)
        return True

    def _find(self, run: Run, what: str) -> None:
        """Go on to where frames begin again, or to the end of the run. A gap unit says so."""
        found = _find_frames(run, self._at, self.direction, self._signatures)
        arrival = run.arrival_of(max(found, 1))
        self.units.append(Unit(self.direction, UnitKind.GAP, b"", arrival.number, arrival.time))
        if found > self._at:
            self._stop(f"{found - self._at} bytes passed over: {what}", run, found)
            self._at = found

    def _add(self, kind: UnitKind, run: Run, size: int) -> None:
        data = bytes(run.data[self._at : self._at + size])
        self._at += size
        arrival = run.arrival_of(self._at)
        self.units.append(Unit(self.direction, kind, data, arrival.number, arrival.time))

    def _stop(self, reason: str, run: Run, end: int, *, is_end: bool = False) -> None:
        arrival = run.arrival_of(end)
        stop = Stop(StopLayer.FRAMING, reason, arrival.number, arrival.time, self.direction, is_end=is_end)
        self.stops.add(stop)


def _size_at(data: bytearray, at: int) -> int | None:
    """Like :func:`frame_size`, and no empty frame."""
    size = frame_size(data[at : at + HEADER_SIZE])
    if size is not None and size < 2:
        raise DecodeError("frame.length", f"{size}, at least 2 expected", at)
    return size


class _Signatures:
    """Where frames of TPKT may begin in one run, asked for from front to back.

    What was found is remembered: each part of a run is searched once, however often frames are lost in it.
    """

    def __init__(self) -> None:
        #: the first one behind what was searched
        self._next = -1

    def behind(self, data: bytearray, start: int) -> Iterator[int]:
        """From ``start`` on, which is never less than the time before."""
        while True:
            if self._next < start:
                match = TPKT_DATA.search(data, start)
                self._next = match.start() if match is not None else len(data)
            if self._next >= len(data):
                return
            yield self._next
            start = self._next + 1


def _find_frames(run: Run, start: int, direction: Direction, signatures: _Signatures) -> int:
    """Where a chain of frames begins at or behind ``start``; the end of the run if nowhere.

    Fast-path frames have no signature, so that only a sender's own boundaries are tried for them.
    """
    for at in merge(run.boundaries(start), signatures.behind(run.data, start)):
        if _begins_chain(run.data, at, direction):
            return at
    return len(run.data)


def _begins_chain(data: bytearray, at: int, direction: Direction) -> bool:
    count = 0
    while count < CHAIN and at < len(data):
        try:
            size = _size_at(data, at) if _is_plausible(data, at, direction) else 0
        except DecodeError:
            return False
        if size == 0:
            return False
        if size is None or at + size > len(data):
            break
        at += size
        count += 1
    return count > 0


def _is_plausible(data: bytearray, at: int, direction: Direction) -> bool:
    """Bytes that MS-RDPBCGR 2.2.9.1.2 and 2.2.8.1.2 do not leave open."""
    if not is_fast_path(data[at]):
        return TPKT_DATA.match(data, at) is not None
    number = data[at] >> 2 & 0x0F
    return number == 0 if direction is Direction.SERVER else True
