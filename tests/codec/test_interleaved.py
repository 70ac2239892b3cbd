"""Interleaved RLE against a scalar reference of the specification's pseudo code, and libfreerdp both ways."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.screens import SCREENS
from pyrdpmux.codec import interleaved
from pyrdpmux.codec.color import DEPTHS, PALETTE, expand, reduce_and_expand
from pyrdpmux.errors import DecodeError, EncodeError
from tests.codec import pictures
from tests.codec.reference import interleaved as reference
from tests.codec.reference import libfreerdp
from tests.rows import unhex

VECTORS = Path(__file__).parents[3] / "shared/vectors/freerdp/interleaved"
needs_libfreerdp = pytest.mark.skipif(libfreerdp.library() is None, reason="libfreerdp2 is not installed")
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason=f"{VECTORS} is absent")


def top_down(samples: list[int], width: int) -> list[list[int]]:
    return [samples[i : i + width] for i in range(0, len(samples), width)][::-1]


class TestOrders:
    """Each order of 2.2.9.1.1.3.1.2.4 in each form; constructed, the pixels worked out by hand."""

    @pytest.mark.parametrize(
        ("text", "pixels"),
        [
            ("04", "0000/...."),  # background on the first line is black
            ("04 04", "0000/0000"),  # no foreground pixel between the first line and the next
            ("02 02", "00f0/...."),  # but one within a line
            ("24", "ffff/...."),  # foreground on the first line
            ("24 24", "ffff/0000"),  # white xor white
            ("c4 5a", "5555/....".replace("5", "a")),  # set foreground a = 0x5a
            ("40 03 05", "f0f0/...."),  # image of 4 pixels, mask 0101
            ("d0 03 5a 09", "a00a/...."),
            ("64 5a", "aaaa/...."),
            ("e2 5a ff", "afaf/...."),
            ("84 5a ff 00 5a", "af0a/...."),
            ("fd fe fd fe", "f0f0/...."),
            ("41 0f", "ffff/0000"),  # a first-line order that goes past the line keeps meaning black above
            ("f9", "ff00/0000"),
            ("fa", "f0f0/0000"),
            ("64 5a 04 04", "aaaa/aaaa/Aaaa"),  # A = a xor white: back-to-back backgrounds
            ("64 5a f0 08 00", "aaaa/aaaa/aaaa"),
            ("64 5a f1 04 00", "aaaa/AAAA"),
            ("64 5a f2 04 00 05", "aaaa/AaAa"),
            ("f3 04 00 5a", "aaaa"),
            ("f4 04 00 5a 00 ff 00", "a0f0"),
            ("f6 04 00 5a", "aaaa"),
            ("f7 04 00 5a 03", "aa00"),
            ("f8 02 00 5a 00", "a0a0"),
        ],
    )
    def test_order(self, text: str, pixels: str) -> None:
        values = {"0": 0, "f": 255, "a": 0x5A, "A": 0xA5}
        lines = [[values[c] for c in line] for line in pixels.split("/") if line != "...."]
        decoded = interleaved.decode_samples(unhex(text), 4, len(lines), 8)
        assert decoded[::-1].tolist() == lines

    @pytest.mark.parametrize(
        ("text", "count"),
        [
            ("00 00", 32),
            ("00 ff", 287),
            ("1f", 31),
            ("20 01", 33),
            ("40 ff" + "00" * 32, 256),
            ("5f" + "00" * 31, 248),
            ("60 10 07", 48),
            ("80 00" + "07" * 32, 32),
            ("c0 00 07", 16),
            ("c0 ff 07", 271),
            ("d0 07 07 00", 8),
            ("d3 07 00 00 00", 24),
            ("e0 00 07 08", 32),
            ("f0 ff ff", 65535),
        ],
    )
    def test_length(self, text: str, count: int) -> None:
        assert interleaved.decode_samples(unhex(text), count, 1, 8).shape == (1, count)
        for wrong in (count - 1, count + 1):
            with pytest.raises(DecodeError):
                interleaved.decode_samples(unhex(text), wrong, 1, 8)


class TestDecoder:
    @settings(max_examples=80, deadline=None)
    @given(st.integers(0, 1 << 32), st.integers(1, 40), st.integers(1, 12), st.sampled_from(DEPTHS))
    def test_agrees_with_the_reference(self, seed: int, width: int, height: int, bits: int) -> None:
        stream = reference.random_stream(random.Random(seed), width, height, bits)
        expected = top_down(reference.decode(stream, width, height, bits), width)
        assert interleaved.decode_samples(stream, width, height, bits).tolist() == expected

    @needs_libfreerdp
    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 1 << 32), st.integers(1, 40), st.integers(1, 12), st.sampled_from(DEPTHS))
    def test_agrees_with_libfreerdp(self, seed: int, width: int, height: int, bits: int) -> None:
        stream = reference.random_stream(random.Random(seed), width, height, bits)
        decoded = libfreerdp.Interleaved(bits).decode(stream, width, height, PALETTE)
        assert decoded is not None
        assert (interleaved.decode(stream, width, height, bits) == decoded).all()

    @pytest.mark.parametrize("bits", DEPTHS)
    def test_every_truncation_is_a_decode_error(self, bits: int) -> None:
        stream = reference.random_stream(random.Random(bits), 31, 17, bits)
        interleaved.decode(stream, 31, 17, bits)
        for size in range(len(stream)):
            with pytest.raises(DecodeError) as caught:
                interleaved.decode(stream[:size], 31, 17, bits)
            assert caught.value.path.startswith("Interleaved")
            assert 0 <= caught.value.offset <= size
        for more in (b"\xfd", b"\x01", b"\x60"):
            with pytest.raises(DecodeError) as caught:
                interleaved.decode(stream + more, 31, 17, bits)
            assert caught.value.offset == len(stream)

    @needs_libfreerdp
    @pytest.mark.parametrize("bits", DEPTHS)
    def test_mutations(self, bits: int) -> None:
        codec = libfreerdp.Interleaved(bits)
        stream = reference.random_stream(random.Random(bits), 31, 17, bits)
        accepted = 0
        for damaged in pictures.mutations(stream, 400, bits):
            decoded = pictures.attempt(lambda data: interleaved.decode(data, 31, 17, bits), damaged)
            if decoded is not None:
                theirs = codec.decode(damaged, 31, 17, PALETTE)
                assert theirs is not None
                assert (decoded == theirs).all()
                accepted += 1
        assert accepted > 10

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=200), st.integers(1, 20), st.integers(1, 20), st.sampled_from(DEPTHS))
    def test_garbage(self, data: bytes, width: int, height: int, bits: int) -> None:
        decoded = pictures.attempt(lambda data: interleaved.decode(data, width, height, bits), data)
        assert decoded is None or decoded.shape == (height, width, 4)

    def test_unknown_orders(self) -> None:
        for header in (0xA0, 0xBF, 0xF5, 0xFB, 0xFC, 0xFF):
            with pytest.raises(DecodeError, match="order"):
                interleaved.decode(bytes([0x01, header]) + bytes(9), 2, 1, 8)

    def test_empty_background_run_after_another(self) -> None:
        with pytest.raises(DecodeError):
            interleaved.decode(unhex("02 f0 00 00 02"), 4, 1, 8)

    def test_no_pixels_or_too_many(self) -> None:
        for width, height in ((0, 4), (4, 0), (4, -1), (65535, 65535)):
            with pytest.raises(DecodeError):
                interleaved.decode(b"\xf0\xff\xff", width, height, 16)

    def test_out_and_palette(self) -> None:
        palette = PALETTE[::-1].copy()
        frame = np.zeros((9, 9, 4), np.uint8)
        interleaved.decode(b"\x66\x05", 3, 2, 8, palette=palette, out=frame[2:4, 3:6])
        assert (frame[2:4, 3:6] == palette[5]).all()
        assert frame.any(axis=2).sum() == 6

    def test_unknown_depth_is_our_mistake(self) -> None:
        for bits in (32, 4, 0):
            with pytest.raises(EncodeError):
                interleaved.decode(b"\x01", 1, 1, bits)
            with pytest.raises(EncodeError):
                interleaved.encode_tiles(np.zeros((1, 4, 4, 4), np.uint8), bits)


class TestEncoder:
    @settings(max_examples=60, deadline=None)
    @given(pictures.tiles(), st.sampled_from(DEPTHS))
    def test_round_trips(self, tiles: NDArray[np.uint8], bits: int) -> None:
        streams = interleaved.encode_tiles(tiles, bits)
        assert len(streams) == len(tiles)
        for tile, stream in zip(tiles, streams, strict=True):
            height, width = tile.shape[:2]
            decoded = interleaved.decode(stream, width, height, bits)
            assert (decoded == reduce_and_expand(tile, bits)).all()
            # no order costs more than it saves, but for a longer header of the color images around it
            assert len(stream) <= width * height * ((bits + 7) // 8) * 1.05 + 3

    @settings(max_examples=25, deadline=None)
    @given(
        st.integers(1, 20),
        st.integers(1, 40),
        st.sampled_from(pictures.KINDS),
        st.sampled_from(DEPTHS),
        st.integers(0, 9),
    )
    def test_the_reference_reads_it(self, height: int, width: int, kind: str, bits: int, seed: int) -> None:
        tile = pictures.picture(height, width, kind, seed)
        stream = interleaved.encode_tiles([tile], bits)[0]
        samples = np.array(top_down(reference.decode(stream, width, height, bits), width))
        assert (expand(samples, bits) == reduce_and_expand(tile, bits)).all()

    def test_a_batch_equals_its_tiles_one_by_one(self) -> None:
        kinds = [pictures.KINDS[i * 5 % len(pictures.KINDS)] for i in range(150)]
        tiles = [pictures.picture(64, 64, kind, i) for i, kind in enumerate(kinds)]
        for bits in DEPTHS:
            assert interleaved.encode_tiles(tiles, bits) == [
                interleaved.encode_tiles([tile], bits)[0] for tile in tiles
            ]

    def test_indices(self) -> None:
        indices = np.random.default_rng(1).integers(0, 3, (4, 8, 12), dtype=np.uint8)
        for tile, stream in zip(indices, interleaved.encode_tiles(indices, 8), strict=True):
            assert (interleaved.decode_samples(stream, 12, 8, 8) == tile).all()
        with pytest.raises(EncodeError):
            interleaved.encode_tiles(indices.astype(np.uint16), 8)

    def test_orders_of_more_pixels_than_one_can_say(self) -> None:
        for kind in ("flat", "black", "random"):
            tile = pictures.picture(40, 4096, kind)
            stream = interleaved.encode_tiles([tile], 16)[0]
            assert (interleaved.decode(stream, 4096, 40, 16) == reduce_and_expand(tile, 16)).all()

    def test_no_tiles(self) -> None:
        assert interleaved.encode_tiles([], 16) == []


@needs_libfreerdp
class TestLibfreerdp:
    @pytest.mark.parametrize("name", SCREENS)
    @pytest.mark.parametrize("bits", DEPTHS)
    def test_screens(self, name: str, bits: int) -> None:
        codec = libfreerdp.Interleaved(bits)
        tiles = pictures.screen_tiles(name)
        streams = interleaved.encode_tiles(tiles, bits)
        theirs = 0
        for tile, stream in zip(tiles, streams, strict=True):
            decoded = codec.decode(stream, 64, 64, PALETTE)
            assert decoded is not None
            assert (decoded == reduce_and_expand(tile, bits)).all()
            if bits > 8:
                foreign = codec.encode(tile)
                theirs += len(foreign)
                # QUIRK(FreeRDP 2.11): its encoder swaps the colors of dithered runs, and with 24 bits
                # copies literals from the wrong place; so its streams do not always hold the tile. But
                # both decoders must agree on what they do hold.
                expected = codec.decode(foreign, 64, 64)
                assert expected is not None
                assert (interleaved.decode(foreign, 64, 64, bits) == expected).all()
        if bits > 8:
            assert sum(map(len, streams)) <= theirs

    @pytest.mark.parametrize(
        ("height", "width"), [(1, 1), (3, 5), (7, 64), (56, 64), (64, 20), (1, 4096), (2, 999), (200, 3)]
    )
    @pytest.mark.parametrize("kind", pictures.KINDS)
    @pytest.mark.parametrize("bits", DEPTHS)
    def test_reads_ours(self, height: int, width: int, kind: str, bits: int) -> None:
        tile = pictures.picture(height, width, kind)
        decoded = libfreerdp.Interleaved(bits).decode(
            interleaved.encode_tiles([tile], bits)[0], width, height, PALETTE
        )
        assert decoded is not None
        assert (decoded == reduce_and_expand(tile, bits)).all()


# offsets of blue, green and red, and bytes a pixel, of the formats that encoder.json names in this order
VECTOR_FORMATS = [
    *[(0, 1, 2, 4)] * 2,  # BGRA32, BGRX32
    *[(2, 1, 0, 4)] * 2,  # RGBA32, RGBX32
    *[(1, 2, 3, 4)] * 2,  # ABGR32, XBGR32
    *[(3, 2, 1, 4)] * 2,  # ARGB32, XRGB32
    (2, 1, 0, 3),  # RGB24
    (0, 1, 2, 3),  # BGR24
]


@needs_vectors
@pytest.mark.parametrize("bits", [15, 16, 24])
@pytest.mark.parametrize("number", range(1, 11))
def test_vectors(number: int, bits: int) -> None:
    """FreeRDP's own test data: its encoder's output and what its decoder made of it, 256 bytes a line."""
    stream = (VECTORS / f"interleaved-enc-{bits}-encoder_test_{number:02}.bin").read_bytes()
    decoded = (VECTORS / f"interleaved-dec-enc-{bits}-encoder_test_{number:02}.bin").read_bytes()
    *channels, size = VECTOR_FORMATS[number - 1]
    lines = np.frombuffer(decoded, np.uint8).reshape(64, 256)[:, : 64 * size].reshape(64, 64, size)
    assert (interleaved.decode(stream, 64, 64, bits)[..., :3] == lines[..., channels]).all()
