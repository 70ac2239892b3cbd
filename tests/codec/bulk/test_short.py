"""Short messages: what is coded one by one is what numpy codes."""

import lz4.block
import pytest
from hypothesis import given, settings

from pyrdpmux.codec.bits import pack_msb
from pyrdpmux.codec.bulk.alphabet import MIN_LENGTH
from pyrdpmux.codec.bulk.matches import TAIL, find_block, matches_of
from pyrdpmux.codec.bulk.prefix_encoder import encode_tokens
from pyrdpmux.codec.bulk.short import ShortCoder, sequences
from pyrdpmux.codec.bulk.zgfx import ALPHABET, ZgfxCompressor, ZgfxDecompressor
from tests.codec.bulk import samples

CODER = ShortCoder(ALPHABET)


@pytest.mark.parametrize("reach", [100, 1 << 20])
@pytest.mark.parametrize("thorough", [False, True])
@settings(max_examples=60, deadline=None)
@given(packets=samples.packets(3000))
def test_codes_are_those_of_numpy(packets: list[bytes], thorough: bool, reach: int) -> None:
    history = b""
    for data in filter(None, packets):
        block = find_block(data, history, 99, thorough=thorough)
        assert block is not None
        matches = matches_of(block, len(data), MIN_LENGTH)
        codes, widths = encode_tokens(data, matches.kept(matches.distance <= reach), ALPHABET)
        stream, unused = CODER.encode(data, block, reach)
        assert stream == pack_msb(codes, widths)
        assert unused == -int(widths.sum()) & 7
        history = (history + data)[-5000:]


@settings(max_examples=60, deadline=None)
@given(samples.packets(2000))
def test_sequences_are_those_of_numpy(packets: list[bytes]) -> None:
    for data in packets:
        block = lz4.block.compress(data, store_size=False)
        *found, last = sequences(block)
        matches = matches_of(block, len(data) + len(TAIL), MIN_LENGTH)
        at = 0
        for (literals, distance, length), place in zip(found, matches.at.tolist(), strict=True):
            at += literals
            assert place == at
            at += length
            assert distance > 0
        assert [step.length for step in found] == matches.length.tolist()
        assert [step.distance for step in found] == matches.distance.tolist()
        assert last == (len(data) - at, 0, 0)


def test_what_is_not_worth_it_goes_as_it_is() -> None:
    compressor, decompressor = ZgfxCompressor(), ZgfxDecompressor()
    assert compressor.compress(bytes(31)) == b"\xe0\x04" + bytes(31)
    packed = compressor.compress(bytes(32))
    assert len(packed) < 10
    assert [decompressor.decompress(data) for data in (b"\xe0\x04" + bytes(31), packed)] == [
        bytes(31),
        bytes(32),
    ]


def test_short_messages_are_found_again_from_afar() -> None:
    """The far matcher is shown them late, but before it looks for something itself."""
    compressor, decompressor = ZgfxCompressor(), ZgfxDecompressor()
    text = samples.words(60_000, 3)
    noise = [samples.packet("random", 50_000, seed) for seed in range(3)]
    short = [text[at : at + 3000] for at in range(0, len(text), 3000)]
    sizes = []
    for message in (*short, *noise, text):
        packed = compressor.compress(message)
        assert decompressor.decompress(packed) == message
        sizes.append(len(packed))
    assert sizes[-1] < 200


@pytest.mark.parametrize("size", [1, 31, 32, 33, 511, 512, 513, 4095, 4096, 4097])
def test_sizes_where_the_way_changes(size: int) -> None:
    compressor, decompressor = ZgfxCompressor(), ZgfxDecompressor()
    for kind in ("words", "few", "random", "period", "zeros"):
        for seed in range(3):
            data = samples.packet(kind, size, seed)
            packed = compressor.compress(data)
            assert len(packed) <= size + 2
            assert decompressor.decompress(packed) == data
