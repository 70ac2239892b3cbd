"""TLS records in runs of captured bytes, found again behind a gap."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from pyrdpmux.harness.capture.stream import Arrival, Run, Stream
from pyrdpmux.wire import OpenIntEnum, Reader

#: type, version, length
HEADER_SIZE: Final = 5
#: RFC 8446 5.2: a protected record may be that much longer than 2^14
MAXIMUM_FRAGMENT: Final = (1 << 14) + 2048
#: What looks like a record is believed if so many follow each other.
CHAIN: Final = 3
#: A direction with more of them is read that far.
MAXIMUM_RECORDS: Final = 500_000
#: Content type, 3, minor version; then a length.
PATTERN: Final = re.compile(rb"[\x14-\x18]\x03[\x00-\x04]", re.DOTALL)


class ContentType(OpenIntEnum):
    """RFC 8446 B.1 ContentType."""

    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it was on the wire, and the packet that completed it."""

    kind: ContentType
    version: int
    fragment: bytes
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class Skipped:
    """Bytes that are no whole record. ``is_end``: a record that the run ends in."""

    size: int
    reason: str
    arrival: Arrival
    is_end: bool = False


def is_tls(data: bytes | bytearray) -> bool:
    """Whether a record of TLS may begin here."""
    return PATTERN.match(data) is not None


def split(stream: Stream) -> list[list[Record | Skipped]]:
    """The records of each run of a stream, MAXIMUM_RECORDS at most together."""
    left = MAXIMUM_RECORDS
    runs = []
    for run in stream.runs:
        items = list(islice(split_records(run), left))
        left -= len(items)
        runs.append(items)
    return runs


def split_records(run: Run) -> Iterator[Record | Skipped]:
    """The records of a run. One that begins behind a gap is looked for."""
    data = run.data
    at = 0
    if run.gap is not None:
        at = _find(data, 0)
        if at:
            yield Skipped(at, "the rest of a record whose beginning is missing", run.arrival_of(at))
    while at < len(data):
        size = _record_size(data, at)
        if size is None:
            found = _find(data, at + 1)
            yield Skipped(found - at, f"offset {at}: no TLS record begins here", run.arrival_of(found))
            at = found
        elif at + size > len(data):
            reason = f"a record of {size} bytes, of which {len(data) - at} were captured"
            yield Skipped(len(data) - at, reason, run.arrival_of(len(data)), is_end=True)
            return
        else:
            yield _record(data, at, size, run.arrival_of(at + size))
            at += size


def _record(data: bytearray, at: int, size: int, arrival: Arrival) -> Record:
    r = Reader(bytes(data[at : at + HEADER_SIZE]), "TlsRecord")
    kind = ContentType(r.u8("type"))
    return Record(kind, r.u16_be("version"), bytes(data[at + HEADER_SIZE : at + size]), arrival)


def _record_size(data: bytearray, at: int) -> int | None:
    """Size of the record at ``at`` with its header; None if there is none."""
    header = bytes(data[at : at + HEADER_SIZE])
    if len(header) < HEADER_SIZE:
        # not enough to tell: the run ends here, unless it cannot be one
        return HEADER_SIZE if _may_begin(header) else None
    if PATTERN.match(header) is None:
        return None
    size = Reader(header[3:], "TlsRecord").u16_be("length")
    return HEADER_SIZE + size if size <= MAXIMUM_FRAGMENT else None


def _may_begin(header: bytes) -> bool:
    return PATTERN.match((header + b"\x17\x03\x03"[len(header) :])[:3]) is not None


def _find(data: bytearray, start: int) -> int:
    """Where a chain of records begins at or behind ``start``; the end of ``data`` if nowhere."""
    for match in PATTERN.finditer(data, start):
        at, chain = match.start(), 0
        while chain < CHAIN and at < len(data):
            size = _record_size(data, at)
            if size is None:
                break
            at += size
            chain += at <= len(data)
        else:
            if chain:
                return match.start()
    return len(data)
