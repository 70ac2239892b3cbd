"""A captured TLS connection: what is in the clear, and (1.2 and 1.3) the plaintext by its key log."""

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
from pyrdpmux.harness.capture.stop import Direction, Stop, StopLayer, Stops
from pyrdpmux.harness.capture.stream import Gap, Run, Stream
from pyrdpmux.harness.capture.tls_ciphers import SUITES, tls12_readers
from pyrdpmux.harness.capture.tls_hello import (
    ClientHello,
    HandshakeType,
    ServerHello,
    TlsVersion,
    decode_handshake,
)
from pyrdpmux.harness.capture.tls_protection import Protection, Protection12, Protection13, Unprotected
from pyrdpmux.harness.capture.tls_records import ContentType, Record, Skipped, split
from pyrdpmux.harness.capture.unit import Unit, UnitKind
from pyrdpmux.wire import Reader

HANDSHAKE_HEADER_SIZE: Final = 4
#: Chains of certificates have some kilobytes.
MAXIMUM_HANDSHAKE_SIZE: Final = 1 << 17


class HandshakeAssembler:
    """Handshake messages out of the records that they are cut into."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, fragment: bytes) -> list[bytes]:
        """The messages that are whole now. CaptureError if one is too long to be one."""
        data, at = self._data + fragment, 0
        self._data = b""
        messages = []
        while len(data) - at >= HANDSHAKE_HEADER_SIZE:
            size = HANDSHAKE_HEADER_SIZE + Reader(data[at + 1 : at + 4], "Handshake").u24_be("length")
            if size > MAXIMUM_HANDSHAKE_SIZE:
                raise CaptureError(f"a handshake message of {size} bytes")
            if size > len(data) - at:
                break
            messages.append(data[at : at + size])
            at += size
        self._data = data[at:]
        return messages

    def lose(self) -> None:
        self._data = b""


class TlsSide:
    """What one direction of a TLS connection says.

    ``plain`` is its plaintext (each record an arrival), empty without keys; ``units`` are TLS's own
    messages, and the records that could not be opened.
    """

    def __init__(self, direction: Direction, stream: Stream) -> None:
        self.direction = direction
        self.plain = Stream()
        self.units: list[Unit] = []
        self.stops = Stops()
        self._runs = [(run.gap, items) for run, items in zip(stream.runs, split(stream), strict=True)]
        self._messages = HandshakeAssembler()

    def first_messages(self) -> list[bytes]:
        """The handshake messages at the beginning that are in the clear."""
        messages, assembler = list[bytes](), HandshakeAssembler()
        gap, items = self._runs[0] if self._runs else (None, [])
        for item in items if gap is None else []:
            if not isinstance(item, Record) or item.kind != ContentType.HANDSHAKE:
                break
            messages += assembler.feed(item.fragment)
        return messages

    def read(self, protection: Protection) -> None:
        """Every record, opened by what ``protection`` knows."""
        for gap, items in self._runs:
            self.plain.runs.append(Run(gap=gap))
            if gap is not None:
                self._lose(protection, gap.size)
            for item in items:
                if isinstance(item, Skipped):
                    self._skip(item, protection)
                else:
                    self._read_record(item, protection)
        self.plain.runs = [run for run in self.plain.runs if run.data]

    def _lose(self, protection: Protection, size: int | None) -> None:
        self._messages.lose()
        protection.lose(size)

    def _skip(self, item: Skipped, protection: Protection) -> None:
        self._stop(item.reason, item, is_end=item.is_end)
        self._lose(protection, item.size)
        self.plain.runs.append(Run(gap=Gap(item.size, "no TLS record")))

    def _read_record(self, record: Record, protection: Protection) -> None:
        try:
            opened = protection.open(record)
            if opened is None:
                self._add(UnitKind.TLS_CIPHERTEXT, record.fragment, record)
            else:
                self._read_content(*opened, record, protection)
        except CaptureError as error:
            self._stop(str(error), record)
            self._add(UnitKind.TLS_CIPHERTEXT, record.fragment, record)
            self._lose(protection, len(record.fragment))
            self.plain.runs.append(Run(gap=Gap(len(record.fragment), "a TLS record that does not open")))

    def _read_content(self, kind: ContentType, data: bytes, record: Record, protection: Protection) -> None:
        if kind == ContentType.APPLICATION_DATA and data:
            self.plain.runs[-1].append(data, record.arrival.number, record.arrival.time)
        elif kind == ContentType.HANDSHAKE:
            for message in self._messages.feed(data):
                self._add(UnitKind.TLS_HANDSHAKE, message, record)
                protection.after_handshake(HandshakeType(message[0]))
        elif kind == ContentType.ALERT:
            self._add(UnitKind.TLS_ALERT, data, record)

    def _add(self, kind: UnitKind, data: bytes, record: Record) -> None:
        self.units.append(Unit(self.direction, kind, data, record.arrival.number, record.arrival.time))

    def _stop(self, reason: str, item: Record | Skipped, *, is_end: bool = False) -> None:
        arrival = item.arrival
        self.stops.add(
            Stop(StopLayer.TLS, reason, arrival.number, arrival.time, self.direction, is_end=is_end)
        )


def open_tls(client: Stream, server: Stream, keys: KeyLog | None) -> tuple[TlsSide, TlsSide]:
    """Both directions of a TLS connection; the streams begin with its first record.

    Without keys, or with another connection's, what is in the clear is there all the same; a stop at the
    first record that is not says why.
    """
    sides = TlsSide(Direction.CLIENT, client), TlsSide(Direction.SERVER, server)
    protections: tuple[Protection, Protection] = Unprotected(), Unprotected()
    reason = None
    try:
        protections = _protections(*sides, keys)
    except (DecodeError, CaptureError) as error:
        reason = str(error)
    for side, protection in zip(sides, protections, strict=True):
        side.read(protection)
    if reason is not None:
        _stop_at_ciphertext(sides, reason)
    return sides


def _stop_at_ciphertext(sides: tuple[TlsSide, TlsSide], reason: str) -> None:
    """Nothing is said where nothing is encrypted: the capture ends in the handshake."""
    sealed = [unit for side in sides for unit in side.units if unit.kind is UnitKind.TLS_CIPHERTEXT]
    if sealed:
        first = min(sealed, key=lambda unit: unit.number)
        sides[0].stops.add(Stop(StopLayer.TLS, reason, first.number, first.time, first.direction))


def _protections(client: TlsSide, server: TlsSide, keys: KeyLog | None) -> tuple[Protection, Protection]:
    hello = answer = None
    for message in client.first_messages()[:1]:
        hello = decode_handshake(message)
    for message in server.first_messages()[:2]:
        following = decode_handshake(message)
        answer = following if isinstance(following, ServerHello) else answer
    is_whole = isinstance(hello, ClientHello) and answer is not None and not answer.is_retry
    if not is_whole and keys is not None and keys.secrets(CLIENT_TRAFFIC):
        return (
            Protection13.in_the_middle(keys.secrets(CLIENT_TRAFFIC)),
            Protection13.in_the_middle(keys.secrets(SERVER_TRAFFIC)),
        )
    if not isinstance(hello, ClientHello):
        raise CaptureError("the client's hello is missing")
    if answer is None or answer.is_retry:
        raise CaptureError("the server's hello is missing")
    if keys is None:
        raise CaptureError("no keys are there for what is encrypted")
    suite = SUITES.get(answer.cipher_suite)
    if suite is None:
        raise CaptureError(f"cipher suite {answer.cipher_suite.name} is not supported")
    if answer.version == TlsVersion.TLS_1_3:
        secret, random = keys.secret, hello.random
        return (
            Protection13.of(suite, secret(CLIENT_HANDSHAKE, random), secret(CLIENT_TRAFFIC, random)),
            Protection13.of(suite, secret(SERVER_HANDSHAKE, random), secret(SERVER_TRAFFIC, random)),
        )
    if answer.version != TlsVersion.TLS_1_2:
        raise CaptureError(f"TLS version {answer.version.name} is not supported")
    master = keys.secret(CLIENT_RANDOM, hello.random)
    readers = tls12_readers(suite, master, hello.random, answer.random, answer.encrypt_then_mac)
    return Protection12(readers[0]), Protection12(readers[1])
