"""NSCodec against the specification's examples, a scalar reference, and libfreerdp both ways."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.screens import SCREENS
from pyrdpmux.codec import nscodec
from pyrdpmux.codec.color import MAX_PIXELS
from pyrdpmux.codec.nscodec import BitmapStream
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.wire import decode, encode
from tests.codec import pictures
from tests.codec.reference import libfreerdp, libfreerdp_rfx
from tests.codec.reference import nscodec as reference
from tests.rows import Row, row_tests, unhex

needs_libfreerdp = pytest.mark.skipif(libfreerdp.library() is None, reason="libfreerdp2 is not installed")
SHAPES = [(1, 1), (1, 8), (2, 3), (3, 3), (3, 4), (5, 1), (64, 64), (56, 64), (17, 31), (1, 4096), (33, 1030)]

TestRows = row_tests(
    [
        Row(
            "2.2.2, one pixel, constructed",
            BitmapStream(b"\x64", b"\x01", b"\xff", b"", 1, 0),
            """
            01 00 00 00     # LumaPlaneByteCount
            01 00 00 00     # OrangeChromaPlaneByteCount
            01 00 00 00     # GreenChromaPlaneByteCount
            00 00 00 00     # AlphaPlaneByteCount
            01              # ColorLossLevel
            00              # ChromaSubsamplingLevel
            00 00           # Reserved
            64 01 ff        # LumaPlane, OrangeChromaPlane, GreenChromaPlane
            """,
        ),
        Row(
            "2.2.2, subsampled, with alpha, constructed",
            BitmapStream(bytes(8), bytes(4), bytes(4), b"\x80", 3, 1),
            "08 00 00 00 04 00 00 00 04 00 00 00 01 00 00 00 03 01 00 00" + "00" * 16 + "80",
        ),
    ]
)


def psnr(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> float:
    difference = one[..., :3].astype(np.int64) - two[..., :3]
    return float(10 * np.log10(255**2 / max(1e-3, (difference**2).mean())))


def gray(values: bytes) -> NDArray[np.uint8]:
    """A line of gray pixels: its luma plane is ``values``."""
    return np.frombuffer(values, np.uint8).reshape(1, -1, 1).repeat(4, axis=2)


class TestSpecification:
    """The luma planes of one line of gray, as in the examples of 3.1.8.1."""

    def luma(self, values: bytes) -> bytes:
        stream = nscodec.encode_tiles([gray(values)], 1, subsampling=False)[0]
        assert nscodec.decode(stream, len(values), 1)[0, :, 0].tobytes() == values
        return decode(BitmapStream, stream).luma

    def test_a_stream_that_would_grow_is_raw(self) -> None:
        assert self.luma(b"AAAABBCCCCCD") == b"AAAABBCCCCCD"
        assert reference.rle_encode(list(b"AAAABBCCCCCD")) == b"AA\x02BB\x00CC\x00CCCD"

    def test_runs_become_short(self) -> None:
        assert self.luma(b"ABCDDDTTTTGFRRRRRRRRRRRABCD") == b"ABCDD\x01TT\x02GFRR\x09ABCD"

    @pytest.mark.parametrize("count", [2, 3, 255, 256, 257, 300, 70000])
    def test_runs_of_every_form(self, count: int) -> None:
        plane = b"x" + b"y" * count + b"zabcdddddddef"
        assert self.luma(plane) == reference.rle_encode(list(plane)) or count == 2

    def test_the_last_four_values_are_never_encoded(self) -> None:
        assert self.luma(bytes(20)) == b"\0\0\x0e" + bytes(4)
        for size in range(1, 8):
            assert self.luma(bytes(size)) == bytes(size)


class TestEncoder:
    @settings(max_examples=40, deadline=None)
    @given(pictures.tiles(), st.integers(1, 7), st.booleans(), st.booleans())
    def test_its_planes_are_what_the_reference_reads(
        self, tiles: NDArray[np.uint8], loss: int, subsampling: bool, alpha: bool
    ) -> None:
        streams = nscodec.encode_tiles(tiles, loss, subsampling, alpha=alpha)
        height, width = tiles.shape[1:3]
        decoded = nscodec.decode_tiles(streams, width, height)
        for tile, stream, pixels in zip(tiles, streams, decoded, strict=True):
            if tile.size < 5000:
                assert reference.decode(stream, width, height) == list(
                    map(lambda line: list(map(tuple, line)), pixels[::-1].tolist())
                )
            assert (pixels[..., 3] == (tile[..., 3] if alpha else 255)).all()

    @settings(max_examples=40, deadline=None)
    @given(pictures.tiles())
    def test_is_nearly_exact_at_the_lowest_loss(self, tiles: NDArray[np.uint8]) -> None:
        streams = nscodec.encode_tiles(tiles, 1, subsampling=False)
        decoded = nscodec.decode_tiles(streams, tiles.shape[2], tiles.shape[1])
        difference = decoded[..., :3].astype(int) - tiles[..., :3]
        assert abs(difference).max() <= 2

    @pytest.mark.parametrize("loss", range(1, 8))
    def test_extreme_colors_do_not_wrap(self, loss: int) -> None:
        corners = np.array([[b, g, r, 0] for b in (0, 255) for g in (0, 255) for r in (0, 255)], np.uint8)
        tile = corners.reshape(2, 4, 4).repeat(8, axis=0).repeat(8, axis=1)
        for subsampling in (False, True):
            stream = nscodec.encode_tiles([tile], loss, subsampling)[0]
            decoded = nscodec.decode(stream, 32, 16)
            # half a step of each chroma value, of which there are two
            assert abs(decoded[..., :3].astype(int) - tile[..., :3]).max() <= max(2, 1 << loss)

    def test_a_batch_equals_its_tiles_one_by_one(self) -> None:
        kinds = [pictures.KINDS[i * 5 % len(pictures.KINDS)] for i in range(150)]
        tiles = [pictures.picture(64, 64, kind, i) for i, kind in enumerate(kinds)]
        assert nscodec.encode_tiles(tiles) == [nscodec.encode_tiles([tile])[0] for tile in tiles]

    def test_nothing_is_nothing(self) -> None:
        assert nscodec.encode_tiles([]) == []
        assert nscodec.decode_tiles([], 64, 64).shape == (0, 64, 64, 4)

    @pytest.mark.parametrize("loss", [0, 8, -1])
    def test_refuses_levels_that_do_not_exist(self, loss: int) -> None:
        with pytest.raises(EncodeError):
            nscodec.encode_tiles(np.zeros((1, 4, 4, 4), np.uint8), loss)

    def test_top_down_is_the_same_upside_down(self) -> None:
        tiles = pictures.screen_tiles("desktop", 4)
        assert nscodec.encode_tiles(tiles, bottom_up=False) == nscodec.encode_tiles(tiles[:, ::-1])


@needs_libfreerdp
class TestLibfreerdp:
    @pytest.mark.parametrize("shape", SHAPES, ids=str)
    @pytest.mark.parametrize("subsampling", [False, True])
    def test_reads_ours_as_we_do(self, shape: tuple[int, int], subsampling: bool) -> None:
        height, width = shape
        for seed, kind in enumerate(pictures.KINDS):
            tile = pictures.picture(height, width, kind, seed)
            stream = nscodec.encode_tiles([tile], seed % 7 + 1, subsampling)[0]
            theirs = libfreerdp_rfx.NSCodec(width, height).decode(stream, width, height)
            assert theirs is not None
            assert (theirs == nscodec.decode(stream, width, height)).all()

    @pytest.mark.parametrize("shape", [(64, 64), (56, 64), (2, 8), (16, 24)], ids=str)
    @pytest.mark.parametrize("subsampling", [False, True])
    def test_writes_what_we_read(self, shape: tuple[int, int], subsampling: bool) -> None:
        height, width = shape
        for seed, kind in enumerate(pictures.KINDS):
            tile = pictures.picture(height, width, kind, seed)
            codec = libfreerdp_rfx.NSCodec(width, height, seed % 7 + 1, subsampling)
            stream = codec.encode(tile)
            ours = nscodec.decode(stream, width, height)
            assert (ours == codec.decode(stream, width, height)).all()

    @pytest.mark.parametrize("name", ["text", "gray text", "desktop", "photo", "gradient"])
    def test_is_no_better_at_equal_bytes(self, name: str) -> None:
        tiles = pictures.screen_tiles(name, 16)
        for loss, subsampling in ((1, False), (3, True), (5, True)):
            codec = libfreerdp_rfx.NSCodec(64, 64, loss, subsampling)
            theirs = [codec.encode(tile) for tile in tiles]
            ours = nscodec.encode_tiles(tiles, loss, subsampling)
            ours_size, theirs_size = (sum(map(len, streams)) for streams in (ours, theirs))
            # Rounded luma has more steps than cut-off luma, and is up to 8 dB nearer to the picture.
            assert ours_size <= theirs_size * (1.05 if name != "gradient" else 1.12)
            quality = [psnr(tiles, nscodec.decode_tiles(streams, 64, 64)) for streams in (ours, theirs)]
            assert quality[0] >= quality[1] - 0.1


@pytest.mark.parametrize("name", ["desktop", "photo", "gradient"])
def test_quality_floor(name: str) -> None:
    tiles = pictures.screen_tiles(name, 8)
    for loss, subsampling, floor in ((1, False, 50), (3, False, 40), (3, True, 38), (7, False, 19)):
        decoded = nscodec.decode_tiles(nscodec.encode_tiles(tiles, loss, subsampling), 64, 64)
        assert psnr(tiles, decoded) >= floor


class TestHostileInput:
    @pytest.mark.parametrize("subsampling", [False, True])
    def test_every_truncation_is_refused(self, subsampling: bool) -> None:
        stream = nscodec.encode_tiles([pictures.picture(9, 21, "blocks")], 2, subsampling, alpha=True)[0]
        for size in range(len(stream)):
            with pytest.raises(DecodeError):
                nscodec.decode(stream[:size], 21, 9)

    @pytest.mark.parametrize("kind", pictures.KINDS)
    def test_mutations_are_refused_or_decoded(self, kind: str) -> None:
        stream = nscodec.encode_tiles([pictures.picture(16, 24, kind)], 3, True, alpha=True)[0]
        results = [
            pictures.attempt(lambda data: nscodec.decode(data, 24, 16), data)
            for data in pictures.mutations(stream, 300)
        ]
        assert all(pixels is None or pixels.shape == (16, 24, 4) for pixels in results)
        assert any(pixels is None for pixels in results)

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=60))
    def test_planes_agree_with_the_reference(self, data: bytes) -> None:
        data = bytes(byte % 3 if i % 4 else byte for i, byte in enumerate(data))
        size = 64
        if not 0 < len(data) < size:
            return
        stream = encode(BitmapStream(data, bytes(size), bytes(size), b"", 1, 0))
        try:
            expected = reference.rle_decode(data, size)
        except ValueError:
            with pytest.raises(DecodeError):
                nscodec.decode(stream, 64, 1)
        else:
            assert nscodec.decode(stream, 64, 1)[0, :, 1].tolist() == expected

    def test_counts_of_gigabytes_cost_nothing(self) -> None:
        bomb = unhex("41 41 ff ff ff ff ff") * 20 + bytes(4)
        stream = encode(BitmapStream(bomb, bytes(1000), bytes(1000), b"", 1, 0))
        with pytest.raises(DecodeError, match="values, expected 996"):
            nscodec.decode(stream, 100, 10)

    @pytest.mark.parametrize(("width", "height"), [(0, 1), (1, 0), (-1, 4), (MAX_PIXELS, 2)])
    def test_absurd_sizes(self, width: int, height: int) -> None:
        with pytest.raises(DecodeError):
            nscodec.decode(bytes(20), width, height)

    def test_out_is_left_alone_on_error(self) -> None:
        out = np.full((4, 4, 4), 7, np.uint8)
        with pytest.raises(DecodeError):
            nscodec.decode(bytes(19), 4, 4, out=out)
        assert (out == 7).all()

    def test_out_may_be_a_part_of_a_frame(self) -> None:
        frame = np.zeros((80, 80, 4), np.uint8)
        tile = SCREENS["photo"](64, 64)
        stream = nscodec.encode_tiles([tile])[0]
        nscodec.decode(stream, 64, 64, out=frame[8:72, 4:68])
        assert (frame[8:72, 4:68] == nscodec.decode(stream, 64, 64)).all()
