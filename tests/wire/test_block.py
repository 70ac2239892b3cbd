"""Block: a run of integers in one go, with the same errors as field by field."""

import pytest

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.wire import Block, Reader, Writer

BLOCK = Block(left="u16", top="i16", depth="u8", size="u32")


def test_a_block_reads_and_writes_its_fields_in_order() -> None:
    w = Writer("X")
    w.block(BLOCK, 0x1234, -2, 3, 0xFFFFFFFF)
    assert w.getvalue().hex(" ") == "34 12 fe ff 03 ff ff ff ff"
    r = Reader(w.getvalue() + b"\1", "X")
    assert r.block(BLOCK) == (0x1234, -2, 3, 0xFFFFFFFF)
    assert r.remaining == 1


def test_a_truncated_block_names_its_first_field() -> None:
    r = Reader(bytes(8), "X")
    with pytest.raises(DecodeError) as caught:
        r.block(BLOCK)
    assert str(caught.value) == "X.left: need 9 bytes, 8 left (offset 0)"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0x10000, 0, 0, 0), "X.left: 65536 does not fit 2 bytes"),
        ((0, 0x8000, 0, 0), "X.top: 32768 does not fit 2 bytes"),
        ((0, 0, -1, 0), "X.depth: -1 does not fit 1 bytes"),
        ((0, 0, 0), "X.left: 3 values, expected 4"),
    ],
)
def test_a_value_that_does_not_fit_is_named(values: tuple[int, ...], message: str) -> None:
    with pytest.raises(EncodeError) as caught:
        Writer("X").block(BLOCK, *values)
    assert str(caught.value) == message


def test_peeking_two_bytes_does_not_move() -> None:
    r = Reader(b"\x34\x12", "X")
    assert r.peek_u16_le("kind") == 0x1234
    assert r.offset == 0
