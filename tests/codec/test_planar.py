"""The planar codec against the specification's examples, a scalar reference, and libfreerdp both ways."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.screens import SCREENS
from pyrdpmux.codec import planar, planar_encoder
from pyrdpmux.codec.bulk.zgfx import ZgfxCompressor
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.geometry import Rect
from tests.codec import pictures
from tests.codec.reference import libfreerdp
from tests.codec.reference import planar as reference
from tests.rows import unhex

VECTORS = Path(__file__).parents[3] / "shared/vectors/freerdp/planar"
needs_libfreerdp = pytest.mark.skipif(libfreerdp.library() is None, reason="libfreerdp2 is not installed")
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason=f"{VECTORS} is absent")

RLE_NO_ALPHA = b"\x30"

# MS-RDPEGDI 3.1.9.2.1 to 3.1.9.2.3: one plane of three lines, and its segments
EXAMPLE_PLANE = [
    [255, 255, 255, 255, 254, 253],
    [254, 192, 132, 96, 75, 25],
    [253, 140, 62, 14, 135, 193],
]
EXAMPLE_SEGMENTS = unhex("""
    13 ff                       # 1 raw value, run of 3
    20 fe fd                    # 2 raw values
    60 01 7d f5 c2 9a 38        # 6 deltas
    60 01 67 8b a3 78 af        # 6 deltas
""")
# MS-RDPEGDI 3.1.9.2.2: A repeated 100 times, with a line of zeros' worth of deltas behind it
LONG_RUN_PLANE = [[0x41] * 100]
LONG_RUN_SEGMENTS = unhex("1f 41 f2 52")


def gray(plane: list[list[int]]) -> NDArray[np.uint8]:
    return np.array(plane, np.uint8)[..., None].repeat(4, axis=2)


def same_colors(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> bool:
    return bool((one[..., :3] == two[..., :3]).all())


@pytest.mark.parametrize(
    ("plane", "segments"),
    [(EXAMPLE_PLANE, EXAMPLE_SEGMENTS), (LONG_RUN_PLANE, LONG_RUN_SEGMENTS)],
    ids=["3.1.9.2.1", "3.1.9.2.2"],
)
class TestSpecification:
    def test_decodes(self, plane: list[list[int]], segments: bytes) -> None:
        decoded = planar.decode(RLE_NO_ALPHA + segments * 3, len(plane[0]), len(plane), bottom_up=False)
        assert same_colors(decoded, gray(plane))
        assert (decoded[..., 3] == 255).all()

    def test_encodes(self, plane: list[list[int]], segments: bytes) -> None:
        # three lines without change make it worth while
        longer = plane + plane[-1:] * 3
        unchanged = {6: "06", 100: "f2 f2 06"}[len(plane[0])]
        expected = RLE_NO_ALPHA + (segments + unhex(unchanged) * 3) * 3
        assert planar.encode_tiles([gray(longer)], bottom_up=False) == [expected]

    def test_is_sent_raw_if_it_does_not_pay(self, plane: list[list[int]], segments: bytes) -> None:
        stream = planar.encode_tiles([gray(plane)], bottom_up=False)[0]
        size = len(plane) * len(plane[0])
        assert len(stream) == (1 + len(segments) * 3 if len(segments) < size else 2 + size * 3)

    def test_reference_agrees(self, plane: list[list[int]], segments: bytes) -> None:
        assert reference.encode_plane(plane) == segments
        assert reference.decode_plane(segments, 0, len(plane[0]), len(plane)) == (plane, len(segments))


class TestEncoder:
    @settings(max_examples=60, deadline=None)
    @given(pictures.tiles(), st.booleans(), st.booleans())
    def test_round_trips(self, tiles: NDArray[np.uint8], rle: bool, bottom_up: bool) -> None:
        streams = planar.encode_tiles(tiles, rle, bottom_up=bottom_up)
        assert len(streams) == len(tiles)
        for tile, stream in zip(tiles, streams, strict=True):
            height, width = tile.shape[:2]
            assert same_colors(planar.decode(stream, width, height, bottom_up=bottom_up), tile)
            assert len(stream) <= 2 + 3 * width * height

    @settings(max_examples=25, deadline=None)
    @given(st.integers(1, 20), st.integers(1, 100), st.sampled_from(pictures.KINDS), st.integers(0, 9))
    def test_writes_what_the_reference_writes(self, height: int, width: int, kind: str, seed: int) -> None:
        tile = pictures.picture(height, width, kind, seed)
        stream = planar.encode_tiles(tile[None], bottom_up=False)[0]
        planes = [tile[..., channel].tolist() for channel in (2, 1, 0)]
        if stream[0] & 0x10:
            assert stream == reference.encode(planes, 0x30)
        else:
            assert stream == reference.encode(planes, 0x20)
            assert len(stream) <= len(reference.encode(planes, 0x30)) * 1.1 + 8

    @pytest.mark.parametrize(
        "width", [*range(1, 20), 45, 46, 47, 48, 49, 50, 61, 62, 63, 64, 65, 66, 110, 157]
    )
    def test_runs_of_every_length(self, width: int) -> None:
        # line y changes at column y: every length of raw values and of runs, at either end of a line
        lines = np.arange(width + 1)[:, None] <= np.arange(width)
        tile = np.zeros((width + 1, width, 4), np.uint8)
        tile[lines] = 9
        tile[1::2, ::5] = np.arange(len(range(0, width, 5)))[:, None] % 7
        stream = planar.encode_tiles([tile])[0]
        assert same_colors(planar.decode(stream, width, width + 1), tile)
        assert [list(map(list, line)) for line in reference.decode(stream, width, width + 1)] == (
            np.dstack([tile[::-1, :, :3], np.full((width + 1, width), 255)]).tolist()
        )

    def test_a_batch_equals_its_tiles_one_by_one(self) -> None:
        kinds = [pictures.KINDS[i * 5 % len(pictures.KINDS)] for i in range(150)]
        tiles = [pictures.picture(64, 64, kind, i) for i, kind in enumerate(kinds)]
        assert planar.encode_tiles(tiles) == [planar.encode_tiles([tile])[0] for tile in tiles]

    def test_takes_views_of_a_frame(self) -> None:
        frame = SCREENS["desktop"](128, 192)
        views = [frame[:64, 64:128], frame[64:, :64]]
        assert planar.encode_tiles(views) == planar.encode_tiles(np.stack(views))
        assert planar.encode_tiles([views[0][:, ::-1]]) == planar.encode_tiles([views[0][:, ::-1].copy()])

    def test_no_tiles(self) -> None:
        assert planar.encode_tiles([]) == []

    @pytest.mark.parametrize(
        "tiles",
        [
            [np.zeros((4, 4, 3), np.uint8)],
            [np.zeros((4, 4, 4), np.uint16)],
            [np.zeros((4, 4, 4), np.uint8), np.zeros((4, 8, 4), np.uint8)],
            [np.zeros((0, 4, 4), np.uint8)],
        ],
    )
    def test_refuses_what_are_not_tiles(self, tiles: list[NDArray[np.uint8]]) -> None:
        with pytest.raises(EncodeError):
            planar.encode_tiles(tiles)


def grainy(height: int, width: int, sigma: float) -> NDArray[np.uint8]:
    """Soft shades of color, and grain."""
    rng = np.random.default_rng(height * width)
    y, x = np.mgrid[:height, :width]
    shades = 120 + 60 * np.sin(x[..., None] / [40, 50, 60, 70]) + 30 * np.cos(y[..., None] / [30, 40, 50, 60])
    pixels: NDArray[np.uint8] = (shades + rng.normal(0, sigma, shades.shape)).clip(0, 255).astype(np.uint8)
    return pixels


class TestBehindZgfx:
    """Streams for a compressor that has short codes for small values."""

    @staticmethod
    def sizes(frame: NDArray[np.uint8], *, zgfx: bool) -> tuple[int, int]:
        """Bytes before and behind the compressor."""
        height, width, _ = frame.shape
        rects = [Rect(x, y, 64, 64) for y in range(0, height, 64) for x in range(0, width, 64)]
        data = b"".join(planar.encode(frame, rects, zgfx=zgfx))
        return len(data), len(ZgfxCompressor(dense_ratio=1.0).compress(data))

    @pytest.mark.parametrize("sigma", [1.0, 2.0])
    def test_a_grainy_picture_is_longer_before_and_shorter_behind(self, sigma: float) -> None:
        frame = grainy(128, 192, sigma)
        plain_before, plain_behind = self.sizes(frame, zgfx=False)
        before, behind = self.sizes(frame, zgfx=True)
        assert before > plain_before
        assert behind < 0.85 * plain_behind

    def test_noise_is_sent_raw(self) -> None:
        frame = pictures.picture(64, 64, "random")
        assert planar.encode(frame, [Rect(0, 0, 64, 64)], zgfx=True) == planar.encode_tiles([frame])

    @settings(max_examples=40, deadline=None)
    @given(st.integers(1, 70), st.integers(1, 90), st.sampled_from(pictures.KINDS), st.booleans())
    def test_round_trips(self, height: int, width: int, kind: str, bottom_up: bool) -> None:
        frame = pictures.picture(height, width, kind)
        (stream,) = planar.encode(frame, [Rect(0, 0, width, height)], bottom_up=bottom_up, zgfx=True)
        assert same_colors(planar.decode(stream, width, height, bottom_up=bottom_up), frame)

    @needs_libfreerdp
    @pytest.mark.parametrize("sigma", [1.0, 4.0, 30.0])
    @pytest.mark.parametrize("size", [(64, 64), (7, 90), (64, 15), (1, 33)])
    def test_libfreerdp_reads_it(self, size: tuple[int, int], sigma: float) -> None:
        height, width = size
        frame = grainy(height, width, sigma)
        (stream,) = planar.encode(frame, [Rect(0, 0, width, height)], bottom_up=False, zgfx=True)
        assert sigma > 1 or height == 1 or stream.startswith(RLE_NO_ALPHA)
        decoded = libfreerdp.Planar(128, 128).decode(stream, width, height, bottom_up=False)
        assert decoded is not None
        assert same_colors(decoded, frame)


@needs_libfreerdp
class TestLibfreerdp:
    @pytest.mark.parametrize("name", SCREENS)
    def test_both_directions_on_screens(self, name: str) -> None:
        codec = libfreerdp.Planar(64, 64)
        tiles = pictures.screen_tiles(name)
        streams = planar.encode_tiles(tiles)
        for tile, stream in zip(tiles, streams, strict=True):
            decoded = codec.decode(stream, 64, 64)
            assert decoded is not None
            assert same_colors(decoded, tile)
            foreign = codec.encode(tile)
            assert len(stream) <= len(foreign)
            assert same_colors(planar.decode(foreign, 64, 64), tile)

    @pytest.mark.parametrize(
        ("height", "width"), [(1, 1), (3, 5), (7, 64), (56, 64), (64, 20), (1, 4096), (2, 999), (200, 3)]
    )
    @pytest.mark.parametrize("kind", pictures.KINDS)
    @pytest.mark.parametrize("bottom_up", [True, False])
    def test_reads_ours(self, height: int, width: int, kind: str, bottom_up: bool) -> None:
        tile = pictures.picture(height, width, kind)
        codec = libfreerdp.Planar(max(width, 8), max(height, 8))
        for rle in (True, False):
            stream = planar.encode_tiles([tile], rle, bottom_up=bottom_up)[0]
            decoded = codec.decode(stream, width, height, bottom_up=bottom_up)
            assert decoded is not None
            assert same_colors(decoded, tile)

    @pytest.mark.parametrize("loss", range(1, 8))
    @pytest.mark.parametrize("subsampled", [0, 8])
    @pytest.mark.parametrize("alpha", [0, 0x20])
    def test_chroma(self, loss: int, subsampled: int, alpha: int) -> None:
        width, height = 7, 5
        size = width * height * (1 if alpha else 2) + 2 * (4 * 3 if subsampled else width * height)
        body = np.random.default_rng(loss).integers(0, 256, size, dtype=np.uint8).tobytes()
        stream = bytes([loss | subsampled | alpha]) + body
        decoded = libfreerdp.Planar(64, 64).decode(stream, width, height)
        assert decoded is not None
        assert same_colors(planar.decode(stream, width, height), decoded)

    def test_agrees_on_damaged_streams(self) -> None:
        codec = libfreerdp.Planar(64, 64)
        stream = planar.encode_tiles([pictures.picture(12, 31, "steps")])[0]
        assert stream[0] == 0x30
        accepted = 0
        for damaged in pictures.mutations(stream, 500):
            decoded = pictures.attempt(lambda data: planar.decode(data, 31, 12), damaged)
            if decoded is not None:
                theirs = codec.decode(damaged, 31, 12)
                assert theirs is not None
                assert same_colors(decoded, theirs)
                accepted += 1
        assert accepted > 20


@needs_vectors
class TestVectors:
    @pytest.mark.parametrize("name", ["01", "02", "03"])
    def test_bitmap(self, name: str) -> None:
        source, stream, decoded = (
            (VECTORS / f"planar-{part}-TEST_RLE_BITMAP_EXPERIMENTAL_{name}.bin").read_bytes()
            for part in ("bmp", "enc", "dec")
        )
        pixels = planar.decode(stream, 64, 64)
        expected = np.frombuffer(decoded, np.uint8).reshape(64, 64, 4)
        assert same_colors(pixels, expected) or same_colors(pixels[::-1], expected)
        tile = np.frombuffer(source, np.uint8).reshape(64, 64, 4)
        assert len(planar.encode_tiles([tile])[0]) <= len(stream)

    @pytest.mark.parametrize("color", ["RED", "GREEN", "BLUE"])
    def test_plane(self, color: str) -> None:
        plane = (VECTORS / f"planar-bmp-TEST_64X64_{color}_PLANE.bin").read_bytes()
        segments = (VECTORS / f"planar-bmp-TEST_64X64_{color}_PLANE_RLE.bin").read_bytes()
        decoded = planar.decode(RLE_NO_ALPHA + segments * 3, 64, 64, bottom_up=False)
        assert decoded[..., 0].tobytes() == plane


def damaged_variants() -> list[bytes]:
    """One stream of every kind of header."""
    tile = pictures.picture(6, 9, "steps", 3)
    planes = [tile[..., channel].tolist() for channel in (3, 2, 1, 0)]
    small = [plane[:3] for plane in planes]
    small = [[line[:5] for line in plane] for plane in small]
    return [
        reference.encode(planes[1:], 0x30),
        reference.encode(planes[1:], 0x20),
        reference.encode(planes, 0x10),
        reference.encode(planes, 0x00),
        reference.encode(planes[1:], 0x33),
        reference.encode([*planes[:2], *small[2:]], 0x1D),
        reference.encode([planes[1], *small[2:]], 0x29),
    ]


class TestDecoder:
    @pytest.mark.parametrize("stream", damaged_variants(), ids=lambda stream: f"{stream[0]:#04x}")
    def test_agrees_with_the_reference(self, stream: bytes) -> None:
        expected = np.array(reference.decode(stream, 9, 6), np.uint8)
        assert (planar.decode(stream, 9, 6, bottom_up=False) == expected).all()

    @pytest.mark.parametrize("stream", damaged_variants(), ids=lambda stream: f"{stream[0]:#04x}")
    def test_every_truncation_is_a_decode_error(self, stream: bytes) -> None:
        pad = 0 if stream[0] & 0x10 else 1
        for size in range(len(stream) - pad):
            with pytest.raises(DecodeError) as caught:
                planar.decode(stream[:size], 9, 6)
            assert caught.value.path.startswith("Planar.")
            assert 0 <= caught.value.offset <= size
        with pytest.raises(DecodeError, match=r"Planar\.Pad"):
            planar.decode(stream + b"\0", 9, 6)
        planar.decode(stream[: len(stream) - pad], 9, 6)

    @pytest.mark.parametrize("stream", damaged_variants(), ids=lambda stream: f"{stream[0]:#04x}")
    def test_mutations_raise_only_decode_errors(self, stream: bytes) -> None:
        for damaged in pictures.mutations(stream, 150):
            decoded = pictures.attempt(lambda data: planar.decode(data, 9, 6), damaged)
            assert decoded is None or decoded.shape == (6, 9, 4)

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=200), st.integers(1, 20), st.integers(1, 20))
    def test_garbage(self, data: bytes, width: int, height: int) -> None:
        decoded = pictures.attempt(lambda data: planar.decode(data, width, height), data)
        assert decoded is None or decoded.shape == (height, width, 4)

    @pytest.mark.parametrize(
        ("data", "path", "offset"),
        [
            (b"", "Planar.FormatHeader", 0),
            (b"\x28" + bytes(12), "Planar.FormatHeader", 0),  # subsampling without loss level
            (b"\x30\x20\x01", "Planar.LumaOrRedPlane.rawValues", 3),
            (b"\x30\x20\x01\x02\x00", "Planar.LumaOrRedPlane.controlByte", 4),
            (b"\x30\x03", "Planar.LumaOrRedPlane.controlByte", 1),  # longer than the line
            (b"\x20" + bytes(5), "Planar.OrangeChromaOrGreenPlane", 5),
            (b"\x10\x20\x01\x02\x20\x01\x02", "Planar.LumaOrRedPlane.controlByte", 7),
        ],
    )
    def test_says_where(self, data: bytes, path: str, offset: int) -> None:
        with pytest.raises(DecodeError) as caught:
            planar.decode(data, 2, 2)
        assert (caught.value.path, caught.value.offset) == (path, offset)

    def test_no_pixels(self) -> None:
        for width, height in ((0, 4), (4, 0), (-1, 4)):
            with pytest.raises(DecodeError):
                planar.decode(b"\x20\0", width, height)

    def test_a_large_claim_costs_nothing(self) -> None:
        # the geometry is the update's claim: no memory for it before the stream bears it out
        with pytest.raises(DecodeError):
            planar.decode(b"\x30\xf2\xf2", 65535, 65535)

    def test_out(self) -> None:
        tile = pictures.picture(6, 8, "blocks")
        frame = np.zeros((20, 20, 4), np.uint8)
        stream = planar.encode_tiles([tile])[0]
        result = planar.decode(stream, 8, 6, out=frame[3:9, 5:13])
        assert same_colors(frame[3:9, 5:13], tile)
        assert np.shares_memory(result, frame)
        assert frame.any(axis=2).sum() == 48
        with pytest.raises(DecodeError):
            planar.decode(stream[:-1], 8, 6, out=frame)


def test_long_runs_are_what_split_run_makes_of_each() -> None:
    count, last, second_last = planar_encoder._long_runs(np.arange(200))
    for length in [0, *range(3, 200)]:
        controls = [planar_encoder.run_control(part) for part in planar_encoder.split_run(length)]
        assert count[length] == len(controls)
        assert [second_last[length], last[length]] == [0, 0, *controls][-2:]
