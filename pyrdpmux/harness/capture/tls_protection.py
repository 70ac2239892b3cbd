"""Which records of one direction are protected, by which keys, and how they are found again behind a gap."""

from typing import Final, Protocol

from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.tls_ciphers import RecordReader, Suite, Tls13
from pyrdpmux.harness.capture.tls_hello import HandshakeType
from pyrdpmux.harness.capture.tls_records import ContentType, Record

#: Sequence numbers that are tried behind a gap, for one record and for all of a direction.
MAXIMUM_SKIPPED_RECORDS: Final = 4096
MAXIMUM_TRIALS: Final = 20_000


class Protection(Protocol):
    """What is known of one direction's keys."""

    def open(self, record: Record) -> tuple[ContentType, bytes] | None:
        """Inner type and content; None for what is encrypted without a key.

        CaptureError for a record that its key does not open.
        """
        ...

    def after_handshake(self, kind: HandshakeType) -> None:
        """A handshake message of this direction was read."""
        ...

    def lose(self) -> None:
        """Records are missing here."""
        ...


class Unprotected:
    """Without keys: everything up to the first protected record."""

    def __init__(self) -> None:
        self._is_protected = False

    def open(self, record: Record) -> tuple[ContentType, bytes] | None:
        if self._is_protected or record.kind == ContentType.APPLICATION_DATA:
            self._is_protected = True
            return None
        self._is_protected |= record.kind == ContentType.CHANGE_CIPHER_SPEC
        return record.kind, record.fragment

    def after_handshake(self, kind: HandshakeType) -> None:
        """Nothing changes."""

    def lose(self) -> None:
        """What is in the clear stays so."""


class _Searching:
    """Opens records in a row; behind a gap, the sequence number is found by trying."""

    def __init__(self) -> None:
        self._is_lost = False
        self._trials = MAXIMUM_TRIALS

    def lose(self) -> None:
        self._is_lost = True

    def _open(self, readers: list[RecordReader], record: Record) -> tuple[RecordReader, int, bytes]:
        if not self._is_lost:
            return readers[0], *readers[0].open(record.kind, record.version, record.fragment)
        for reader in readers:
            first = reader.number
            for number in range(first, first + min(MAXIMUM_SKIPPED_RECORDS, self._trials)):
                self._trials -= 1
                reader.number = number
                try:
                    opened = reader.open(record.kind, record.version, record.fragment)
                except CaptureError:
                    continue
                self._is_lost = False
                return reader, *opened
            reader.number = first
        raise CaptureError("behind the gap, no sequence number opens this record")


class Protection12(_Searching):
    """TLS 1.2: everything behind the direction's ChangeCipherSpec is protected."""

    def __init__(self, reader: RecordReader) -> None:
        super().__init__()
        self._reader = reader
        self._is_protected = False

    def open(self, record: Record) -> tuple[ContentType, bytes] | None:
        if not self._is_protected and record.kind != ContentType.APPLICATION_DATA:
            self._is_protected = record.kind == ContentType.CHANGE_CIPHER_SPEC
            return record.kind, record.fragment
        self._is_protected = True
        _, kind, data = self._open([self._reader], record)
        return ContentType(kind), data

    def after_handshake(self, kind: HandshakeType) -> None:
        """Nothing changes."""


class Protection13(_Searching):
    """TLS 1.3: handshake keys until the direction's Finished, traffic keys after it."""

    def __init__(self, suite: Suite, handshake: bytes, traffic: bytes) -> None:
        super().__init__()
        self._readers = [Tls13(suite, handshake), Tls13(suite, traffic)]

    def open(self, record: Record) -> tuple[ContentType, bytes] | None:
        # The outer type tells: hellos and the compatibility ChangeCipherSpec are in the clear.
        if record.kind != ContentType.APPLICATION_DATA:
            return record.kind, record.fragment
        reader, kind, data = self._open(list(self._readers), record)
        while self._readers[0] is not reader:  # the Finished was in a gap
            self._readers.pop(0)
        return ContentType(kind), data

    def after_handshake(self, kind: HandshakeType) -> None:
        if kind == HandshakeType.FINISHED and len(self._readers) > 1:
            self._readers.pop(0)
        elif kind == HandshakeType.KEY_UPDATE and len(self._readers) == 1:
            self._readers = [self._readers[0].updated()]
