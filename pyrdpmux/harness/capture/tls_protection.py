"""Which records of one direction are protected, by which keys, and how they are found again behind a gap."""

import hashlib
from collections.abc import Iterable
from typing import Final, Protocol, Self

from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.tls_ciphers import TLS13_SUITES, RecordReader, Suite, Tls13
from pyrdpmux.harness.capture.tls_hello import HandshakeType
from pyrdpmux.harness.capture.tls_records import ContentType, Record

#: Sequence numbers that are tried for one record behind a gap of unknown size: some minutes of a session.
MAXIMUM_SKIPPED_RECORDS: Final = 1 << 14
#: All trials of a direction: some seconds.
MAXIMUM_TRIALS: Final = 1 << 17
#: Header, explicit nonce or nothing, tag: no protected record has fewer bytes.
MINIMUM_RECORD_SIZE: Final = 5 + 8


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

    def lose(self, size: int | None) -> None:
        """Records are missing here, of so many bytes together; None if nobody knows."""
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

    def lose(self, size: int | None) -> None:
        """What is in the clear stays so."""


class _Searching:
    """Opens records in a row; behind a gap, the sequence number is found by trying."""

    def __init__(self) -> None:
        #: how many numbers may be missing; 0 where none is
        self._missing = 0
        self._trials = MAXIMUM_TRIALS

    def lose(self, size: int | None) -> None:
        missing = MAXIMUM_SKIPPED_RECORDS if size is None else size // MINIMUM_RECORD_SIZE + 2
        self._missing = min(self._missing + missing, MAXIMUM_SKIPPED_RECORDS)

    def _open(self, readers: list[RecordReader], record: Record) -> tuple[RecordReader, int, bytes] | None:
        """The reader that opens the record, and what is in it; None when no more trials are to be had."""
        if not self._missing:
            return readers[0], *readers[0].open(record.kind, record.version, record.fragment)
        if self._trials <= 0:
            return None
        first = [reader.number for reader in readers]
        for skipped in range(self._missing):
            for reader, number in zip(readers, first, strict=True):
                opened = self._try(reader, number + skipped, record)
                if opened is not None:
                    self._missing = 0
                    return reader, *opened
        for reader, number in zip(readers, first, strict=True):
            reader.number = number
        raise CaptureError("behind the gap, no sequence number opens this record")

    def _try(self, reader: RecordReader, number: int, record: Record) -> tuple[int, bytes] | None:
        if self._trials <= 0:
            return None
        self._trials -= 1
        reader.number = number
        try:
            return reader.open(record.kind, record.version, record.fragment)
        except CaptureError:
            return None


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
        opened = self._open([self._reader], record)
        return None if opened is None else (ContentType(opened[1]), opened[2])

    def after_handshake(self, kind: HandshakeType) -> None:
        """Nothing changes."""


class Protection13(_Searching):
    """TLS 1.3: handshake keys until the direction's Finished, traffic keys after it.

    ``readers`` are those of the keys, in the order in which they come into force.
    """

    def __init__(self, readers: Iterable[Tls13]) -> None:
        super().__init__()
        self._readers = list(readers)

    @classmethod
    def of(cls, suite: Suite, handshake: bytes, traffic: bytes) -> Self:
        """A direction that was captured from its beginning on."""
        return cls((Tls13(suite, handshake), Tls13(suite, traffic)))

    @classmethod
    def in_the_middle(cls, secrets: Iterable[bytes]) -> Self:
        """A direction whose hello is missing: one of these traffic secrets may open it, in some suite."""
        readers = [
            Tls13(suite, secret)
            for secret in secrets
            for suite in TLS13_SUITES
            if hashlib.new(suite.hash_name).digest_size == len(secret)
        ]
        protection = cls(readers)
        protection.lose(None)
        return protection

    def open(self, record: Record) -> tuple[ContentType, bytes] | None:
        # The outer type tells: hellos and the compatibility ChangeCipherSpec are in the clear.
        if record.kind != ContentType.APPLICATION_DATA:
            return record.kind, record.fragment
        opened = self._open(list(self._readers), record)
        if opened is None:
            return None
        reader, kind, data = opened
        while (
            self._readers[0] is not reader
        ):  # the Finished was in a gap, or another's secret did not open it
            self._readers.pop(0)
        return ContentType(kind), data

    def after_handshake(self, kind: HandshakeType) -> None:
        if kind == HandshakeType.FINISHED and len(self._readers) > 1:
            self._readers.pop(0)
        elif kind == HandshakeType.KEY_UPDATE and len(self._readers) == 1:
            self._readers = [self._readers[0].updated()]
