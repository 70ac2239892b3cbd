"""One table row per wire structure gives six tests: see :func:`row_tests`.

A row's hex may carry comments: everything from ``#`` to the end of a line is dropped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.wire import decode, encode


def unhex(text: str) -> bytes:
    """Bytes of annotated hex."""
    return bytes.fromhex("".join(line.split("#", 1)[0] for line in text.splitlines()))


@dataclass(frozen=True)
class Row:
    """A value and its bytes, with where they come from in the name (section, capture, or 'constructed')."""

    name: str
    value: Any
    hex: str
    #: decoder for a structure that is not ``decode(type(value), data)``
    decode: Callable[[bytes], Any] | None = None
    #: encoder for a structure that is not ``encode(value)``
    encode: Callable[[Any], bytes] | None = None
    #: lengths at which a prefix is itself a valid message (optional tails)
    valid_prefixes: tuple[int, ...] = ()
    #: False where the structure legitimately swallows all that follows
    refuses_trailing: bool = True
    #: False where decoding ignores padding that ``hex`` fills, so that re-encoding differs
    lossless: bool = True

    @property
    def data(self) -> bytes:
        return unhex(self.hex)

    def read(self, data: bytes) -> Any:
        return self.decode(data) if self.decode else decode(type(self.value), data)

    def write(self, value: Any) -> bytes:
        return self.encode(value) if self.encode else encode(value)


def row_tests(rows: Sequence[Row]) -> type:
    """Make the test class of a table: ``TestRows = row_tests(ROWS)``."""

    @pytest.mark.parametrize("row", rows, ids=lambda row: row.name)
    class TestRows:
        def test_encodes(self, row: Row) -> None:
            if row.lossless:
                assert row.write(row.value).hex(" ") == row.data.hex(" ")

        def test_decodes(self, row: Row) -> None:
            assert row.read(row.data) == row.value

        def test_round_trips(self, row: Row) -> None:
            assert row.read(row.write(row.value)) == row.value

        def test_every_truncation_is_a_decode_error(self, row: Row) -> None:
            data = row.data
            for size in range(len(data)):
                if size in row.valid_prefixes:
                    row.read(data[:size])
                    continue
                with pytest.raises(DecodeError) as caught:
                    row.read(data[:size])
                assert 0 <= caught.value.offset <= size
                assert caught.value.path

        def test_a_trailing_byte_is_refused(self, row: Row) -> None:
            if row.refuses_trailing:
                with pytest.raises(DecodeError):
                    row.read(row.data + b"\0")

        def test_mutations_raise_only_decode_errors(self, row: Row) -> None:
            data = bytearray(row.data)
            for at in range(min(len(data), 400)):
                original = data[at]
                for value in (0x00, 0x7F, 0x80, 0xFF, original ^ 0x01):
                    data[at] = value
                    try:
                        decoded = row.read(bytes(data))
                    except DecodeError:
                        continue
                    try:
                        row.write(decoded)
                    except EncodeError as error:  # what was decoded must be encodable
                        pytest.fail(f"byte {at} = {value:#x}: decoded but not encodable: {error}")
                data[at] = original

        def test_prints(self, row: Row) -> None:
            assert str(row.value)

    return TestRows
