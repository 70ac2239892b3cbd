"""The encoder, read by our decoder, the scalar reference and libfreerdp."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyrdpmux.codec.clear.decoder import Decoder
from pyrdpmux.codec.clear.encoder import Encoder
from pyrdpmux.codec.clear.stream import GLYPHS, BitmapStream, Flags, Subcodec, SubcodecId
from pyrdpmux.errors import EncodeError
from pyrdpmux.wire import Reader, decode
from tests.codec import pictures
from tests.codec.clear.samples import cleartype, page
from tests.codec.reference import clear as reference
from tests.codec.reference import libfreerdp, libfreerdp_clear

needs_libfreerdp = pytest.mark.skipif(libfreerdp.library() is None, reason="libfreerdp2 is not installed")
SCREENS = ["text", "gray text", "console", "desktop", "photo", "gradient", "noise"]


def check(rectangles: list[NDArray[np.uint8]], *, scalar: bool = True, encoder: Encoder | None = None) -> int:
    """All readers agree with the pictures; the size of all messages."""
    messages = (encoder or Encoder()).encode_tiles(rectangles)
    ours, slow = Decoder(), reference.Decoder()
    theirs = libfreerdp_clear.Decoder() if libfreerdp.library() else None
    for pixels, message in zip(rectangles, messages, strict=True):
        height, width = pixels.shape[:2]
        decoded = ours.decode(message, width, height)
        assert (decoded[..., :3] == pixels[..., :3]).all()
        assert (decoded[..., 3] == 255).all()
        if theirs is not None:
            foreign = theirs.decode(message, width, height)
            assert foreign is not None
            assert (foreign[..., :3] == pixels[..., :3]).all()
        if scalar:
            picture = slow.decode(message, width, height)
            assert len(picture) == width * height
            got = [picture[x, y] for y in range(height) for x in range(width)]
            assert got == [tuple(color) for color in pixels[..., :3].reshape(-1, 3).tolist()]
    return sum(map(len, messages))


@settings(max_examples=40, deadline=None)
@given(pictures.tiles())
def test_any_picture(tiles: NDArray[np.uint8]) -> None:
    check([*tiles, *tiles], scalar=tiles[0].size < 5000)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 99), st.integers(0, 99), st.integers(1, 80), st.integers(1, 80), st.integers(0, 3)
        ),
        max_size=12,
    )
)
def test_windows_on_windows(boxes: list[tuple[int, int, int, int, int]]) -> None:
    picture = np.full((120, 140, 4), 40, np.uint8)
    for x, y, width, height, kind in boxes:
        part = picture[y : y + height, x : x + width]
        part[...] = pictures.picture(
            len(part), part.shape[1], ("flat", "sparse", "two values", "random")[kind], x
        )
    check([picture, picture])


@pytest.mark.parametrize("kind", SCREENS)
def test_screens(kind: str) -> None:
    first, second = page(kind), page(kind, seed=3)
    check([first, second, first[5:60], second[:, 7:]], scalar=False)


@pytest.mark.parametrize(
    "shape", [(1, 1), (3, 7), (5, 1), (52, 9), (53, 9), (1, 4096), (4096, 1), (33, 4096)], ids=str
)
def test_odd_sizes(shape: tuple[int, int]) -> None:
    height, width = shape
    check([pictures.picture(height, width, kind, 1) for kind in pictures.KINDS], scalar=width < 99)


def test_more_columns_than_any_cache_holds() -> None:
    # 48 000 different columns of eight colors, far beyond both caches, come and come again
    rng = np.random.default_rng(2)
    pages = []
    for _ in range(2):
        words = np.full((120, 4000), 3, np.uint32)
        words[:] = rng.integers(4, 12, words.shape)
        words[::20] = 3
        for row in (1, 2, 3):  # high lines, but short columns
            words[row::20, 1:] = 3
        pages.append(words.view(np.uint8).reshape(120, 4000, 4))
    encoder = Encoder()
    check([*pages, *pages[::-1]], scalar=False, encoder=encoder)
    assert encoder.counts[0] > 90_000


def test_lines_of_text_are_hits_when_they_come_again() -> None:
    encoder = Encoder()
    encoder.encode_tiles([page("text", 640, 800)])
    sent, hits = encoder.counts
    encoder.encode_tiles([page("text", 640, 800, seed=1)])
    all_sent, all_hits = encoder.counts
    assert (all_hits - hits) / (all_sent - sent) > 0.95
    assert hits / sent < 0.95


def test_cleartype_is_exact_and_small() -> None:
    pixels = cleartype(320, 800)
    assert check([pixels], scalar=False) < pixels.size // 12


def test_pixels_of_pictures_are_raw_and_few_colors_rlex() -> None:
    picture = np.full((200, 300, 4), 9, np.uint8)
    picture[20:90, 20:90] = pictures.picture(70, 70, "random")
    colors = np.random.default_rng(1).integers(0, 20, (80, 80)).astype(np.uint8)
    picture[110:190, 200:280, 0] = colors
    check([picture])
    stream = decode(BitmapStream, Encoder().encode_tiles([picture])[0])
    assert stream.payload is not None
    r = Reader(stream.payload.subcodecs, "areas")
    kinds = set()
    while r.remaining:
        kinds.add(Subcodec.read(r).subcodec_id)
    assert kinds == {SubcodecId.RAW, SubcodecId.RLEX}


def test_pictures_may_be_lossy() -> None:
    picture = np.full((200, 300, 4), 9, np.uint8)
    picture[20:150, 20:200] = page("photo", 160, 400)[:130, :180]
    picture[170:186] = page("text")[:16, :300]
    exact, lossy = Encoder().encode_tiles([picture])[0], Encoder(picture_loss=3).encode_tiles([picture])[0]
    assert len(lossy) < len(exact) * 0.7
    decoded = Decoder().decode(lossy, 300, 200)[..., :3].astype(int)
    difference = abs(decoded - picture[..., :3])
    assert not difference[150:].any()
    assert 0 < difference.mean() < 1
    if libfreerdp.library():
        theirs = libfreerdp_clear.Decoder().decode(lossy, 300, 200)
        assert theirs is not None
        assert (theirs[..., :3] == decoded).all()


def test_a_line_that_is_a_picture_is_no_band() -> None:
    picture = np.full((60, 300, 4), 9, np.uint8)
    picture[10:40, 20:280] = pictures.picture(30, 260, "random")
    check([picture])
    stream = decode(BitmapStream, Encoder().encode_tiles([picture])[0])
    assert stream.payload is not None
    assert not stream.payload.bands
    assert len(stream.payload.subcodecs) < 3 * 30 * 260 + 200


class TestGlyphs:
    def test_a_small_picture_is_sent_once(self) -> None:
        glyphs = [pictures.picture(18, 8, "sparse", seed) for seed in range(5)]
        encoder = Encoder()
        first = encoder.encode_tiles(glyphs)
        again = encoder.encode_tiles(glyphs)
        assert all(len(message) == 4 for message in again)
        decoder = Decoder()
        for message, glyph in zip(first + again, glyphs + glyphs, strict=True):
            assert (decoder.decode(message, 8, 18)[..., :3] == glyph[..., :3]).all()

    def test_it_may_have_another_shape(self) -> None:
        glyph = pictures.picture(4, 9, "random")
        check([glyph, glyph.reshape(9, 4, 4), glyph.reshape(36, 1, 4)])

    def test_the_oldest_makes_room(self) -> None:
        glyphs = np.zeros((GLYPHS + 10, 1, 2, 4), np.uint8)
        glyphs[:, 0, 0, :2] = np.arange(len(glyphs), dtype="<u2").view(np.uint8).reshape(-1, 2)
        check([*glyphs, *glyphs[:12], *glyphs[-5:]], scalar=False)

    def test_larger_pictures_are_none(self) -> None:
        stream = decode(BitmapStream, Encoder().encode_tiles([np.zeros((25, 41, 4), np.uint8)])[0])
        assert stream.flags == Flags.CACHE_RESET


def test_sequence_numbers_go_round() -> None:
    rectangles = [pictures.picture(4, 300, "flat", seed) for seed in range(300)]
    numbers = [message[1] for message in Encoder().encode_tiles(rectangles)]
    assert numbers == [index % 256 for index in range(300)]


def test_only_the_first_message_resets() -> None:
    encoder = Encoder()
    flags = [encoder.encode_tiles([pictures.picture(40, 40, "steps", i)])[0][0] for i in range(3)]
    assert flags == [4, 0, 0]


def test_the_fourth_byte_does_not_matter() -> None:
    picture = page("text")
    other = picture.copy()
    other[..., 3] = pictures.picture(len(picture), picture.shape[1], "random")[..., 3]
    assert Encoder().encode_tiles([picture]) == Encoder().encode_tiles([other])


def test_parts_of_frames_need_no_copy() -> None:
    frame = page("text")
    assert Encoder().encode_tiles([frame[3:90, 5:200]]) == Encoder().encode_tiles([frame[3:90, 5:200].copy()])


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (1, 65536), (65536, 1)])
def test_refuses_sizes_that_the_wire_cannot_say(shape: tuple[int, int]) -> None:
    with pytest.raises(EncodeError):
        Encoder().encode_tiles([np.zeros((*shape, 4), np.uint8)])


def test_pictures_that_come_together_know_each_others_columns() -> None:
    line = page("gray text")[16:32]
    lines = [line, line[:, 40:], line[:, :-40]]
    apart = [len(Encoder().encode_tiles([one])[0]) for one in lines]
    together = [len(message) for message in Encoder().encode_tiles(lines)]
    assert together[0] == apart[0]
    assert max(together[1:]) < min(apart) / 2
    check(lines)


def test_pictures_of_all_shapes_that_come_together() -> None:
    shapes = [(14, 400), (150, 9), (60, 60), (9, 300), (14, 90), (1, 1), (33, 400)]
    source = page("gray text")
    check([source[y : y + height, y : y + width] for y, (height, width) in enumerate(shapes)], scalar=False)


def test_tall_ones_beside_a_wide_one_take_little_memory() -> None:
    # one below the other and as wide as the widest: 60,000 rows of 16,000 bytes
    tall = [page("text", 2000, 16)[:, number : number + 2] for number in range(14)] * 4
    wide = [page("text", 16, 4000)]
    tracemalloc.start()
    try:
        check(tall + wide + tall, scalar=False)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
