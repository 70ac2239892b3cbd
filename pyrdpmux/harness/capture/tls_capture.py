"""The plaintext of a captured TLS connection (1.2 and 1.3), by its key log."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.keylog import (
    CLIENT_HANDSHAKE,
    CLIENT_RANDOM,
    CLIENT_TRAFFIC,
    SERVER_HANDSHAKE,
    SERVER_TRAFFIC,
    KeyLog,
)
from pyrdpmux.harness.capture.tls_ciphers import SUITES, RecordReader, Suite, Tls13, tls12_readers
from pyrdpmux.wire import OpenIntEnum, Reader

TLS_1_2: Final = 0x0303
TLS_1_3: Final = 0x0304
#: type, version, length
HEADER_SIZE: Final = 5
#: RFC 8446 5.2: a protected record may be that much longer than 2^14
MAXIMUM_FRAGMENT: Final = (1 << 14) + 2048
EXTENSION_ENCRYPT_THEN_MAC: Final = 22
EXTENSION_SUPPORTED_VERSIONS: Final = 43
#: RFC 8446 4.1.3: the random of a HelloRetryRequest
RETRY_RANDOM: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


class Direction(Enum):
    """Who sent it."""

    CLIENT = ">"
    SERVER = "<"


class ContentType(OpenIntEnum):
    """RFC 8446 B.1 ContentType."""

    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23


class HandshakeType(OpenIntEnum):
    """RFC 8446 B.3 HandshakeType."""

    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    FINISHED = 20
    KEY_UPDATE = 24


@dataclass(frozen=True, slots=True)
class PlainRecord:
    """One record's plaintext; ``end`` is the stream offset of the first byte after the record."""

    direction: Direction
    kind: ContentType
    end: int
    data: bytes


def decrypt_streams(client: bytes, server: bytes, keys: KeyLog) -> list[PlainRecord]:
    """All records of both directions, the client's first. Streams begin with the ClientHello.

    The order between the directions is the caller's to restore, from ``end`` and the capture's times. An
    incomplete last record (the connection was cut in it) is left out.
    """
    try:
        hello = _read_client_random(client)
        answer = _read_server_hello(server)
    except DecodeError as error:
        raise CaptureError(f"TLS handshake: {error}") from None
    suite = SUITES.get(answer.cipher_suite)
    if suite is None:
        raise CaptureError(f"cipher suite {answer.cipher_suite:#06x} is not supported")
    sides: tuple[_Side, _Side]
    if answer.version == TLS_1_3:
        sides = (
            _Side13(Direction.CLIENT, suite, keys, hello, (CLIENT_HANDSHAKE, CLIENT_TRAFFIC)),
            _Side13(Direction.SERVER, suite, keys, hello, (SERVER_HANDSHAKE, SERVER_TRAFFIC)),
        )
    elif answer.version == TLS_1_2:
        master = keys.secret(CLIENT_RANDOM, hello)
        readers = tls12_readers(suite, master, hello, answer.random, answer.encrypt_then_mac)
        sides = (_Side(Direction.CLIENT, readers[0]), _Side(Direction.SERVER, readers[1]))
    else:
        raise CaptureError(f"TLS version {answer.version:#06x} is not supported")
    try:
        return [
            record
            for side, stream in zip(sides, (client, server), strict=True)
            for record in side.read(stream)
        ]
    except DecodeError as error:
        raise CaptureError(f"TLS record: {error}") from None


class _Side:
    """One direction of a TLS 1.2 connection: everything after its ChangeCipherSpec is protected."""

    def __init__(self, direction: Direction, reader: RecordReader) -> None:
        self.direction = direction
        self._next = reader
        self._reader: RecordReader | None = None

    def read(self, stream: bytes) -> list[PlainRecord]:
        r = Reader(stream, f"TlsStream[{self.direction.name.lower()}]")
        records = []
        while _has_record(stream, r.offset):
            start = r.offset
            kind, version, fragment = _read_record(r)
            try:
                inner, data = self.open(kind, version, fragment)
            except CaptureError as error:
                raise CaptureError(
                    f"TLS from {self.direction.name.lower()}, offset {start}: {error}"
                ) from None
            record = PlainRecord(self.direction, ContentType(inner), r.offset, data)
            self.after(record)
            records.append(record)
        return records

    def open(self, kind: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        if self._reader is None:
            return kind, fragment
        return self._reader.open(kind, version, fragment)

    def after(self, record: PlainRecord) -> None:
        if record.kind == ContentType.CHANGE_CIPHER_SPEC:
            self._reader = self._next


class _Side13(_Side):
    """One direction of a TLS 1.3 connection: handshake keys until its Finished, traffic keys after."""

    def __init__(
        self, direction: Direction, suite: Suite, keys: KeyLog, random: bytes, labels: tuple[str, str]
    ) -> None:
        handshake, self._traffic = (Tls13(suite, keys.secret(label, random)) for label in labels)
        super().__init__(direction, handshake)
        self._keys = handshake
        self._messages = b""

    def open(self, kind: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        # The outer type tells: hellos and the compatibility ChangeCipherSpec are in the clear.
        if kind != ContentType.APPLICATION_DATA:
            return kind, fragment
        return self._keys.open(kind, version, fragment)

    def after(self, record: PlainRecord) -> None:
        if record.kind != ContentType.HANDSHAKE:
            return
        self._messages += record.data
        while len(self._messages) >= 4:
            r = Reader(self._messages, "Handshake")
            kind = r.u8("msg_type")
            size = r.u24_be("length")
            if r.remaining < size:
                return
            r.pad("body", size)
            self._messages = r.rest("next")
            if kind == HandshakeType.FINISHED:
                self._keys = self._traffic
            elif kind == HandshakeType.KEY_UPDATE:
                self._keys = self._keys.updated()


# -- hellos --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _ServerHello:
    version: int
    random: bytes
    cipher_suite: int
    encrypt_then_mac: bool


def _has_record(stream: bytes, at: int) -> bool:
    header = stream[at : at + HEADER_SIZE]
    if len(header) < HEADER_SIZE:
        return False
    size = Reader(header[3:], "TlsRecord").u16_be("length")
    return size > MAXIMUM_FRAGMENT or at + HEADER_SIZE + size <= len(stream)


def _read_record(r: Reader) -> tuple[int, int, bytes]:
    kind = r.u8("type")
    version = r.u16_be("version")
    if not 0x0300 <= version <= TLS_1_3:
        raise r.error("version", f"{version:#06x} is no TLS version")
    size = r.u16_be("length")
    if size > MAXIMUM_FRAGMENT:
        raise r.error("length", f"{size}, at most {MAXIMUM_FRAGMENT} allowed")
    return kind, version, r.raw("fragment", size)


def _messages(stream: bytes) -> Reader:
    """The handshake messages of a stream as far as they are in the clear."""
    r = Reader(stream, "TlsStream")
    messages = b""
    while r.remaining:
        kind, _, fragment = _read_record(r)
        if kind == ContentType.HANDSHAKE:
            messages += fragment
        elif kind == ContentType.APPLICATION_DATA:
            break
    return Reader(messages, "Handshake")


def _read_client_random(stream: bytes) -> bytes:
    r = _messages(stream)
    r.constant_u8("msg_type", HandshakeType.CLIENT_HELLO)
    r.pad("length, legacy_version", 5)
    return r.raw("random", 32)


def _read_server_hello(stream: bytes) -> _ServerHello:
    r = _messages(stream)
    while True:
        r.constant_u8("msg_type", HandshakeType.SERVER_HELLO)
        with r.region("server_hello", r.u24_be("length")):
            hello = _read_server_hello_body(r)
        if hello.random != RETRY_RANDOM:
            return hello


def _read_server_hello_body(r: Reader) -> _ServerHello:
    version = r.u16_be("legacy_version")
    random = r.raw("random", 32)
    r.pad("session_id", r.u8("session_id length"))
    suite = r.u16_be("cipher_suite")
    r.pad("compression_method", 1)
    encrypt_then_mac = False
    if r.remaining:
        with r.region("extensions", r.u16_be("extensions length")):
            while r.remaining:
                kind = r.u16_be("extension_type")
                with r.region("extension", r.u16_be("extension length")):
                    if kind == EXTENSION_SUPPORTED_VERSIONS:
                        version = r.u16_be("selected_version")
                    encrypt_then_mac |= kind == EXTENSION_ENCRYPT_THEN_MAC
                    r.rest("extension_data")
    return _ServerHello(version, random, suite, encrypt_then_mac)
