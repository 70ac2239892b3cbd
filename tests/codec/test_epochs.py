"""Epochs: who joins at one sees what those see who have had everything.

That nobody can join elsewhere is test_table's ``test_shareable_is_what_a_late_viewer_understands``.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.screens import SCREENS
from pyrdpmux.codec.avc.codec import Avc444Encoder
from pyrdpmux.codec.avc.stream import Avc444Stream
from pyrdpmux.codec.bulk.zgfx import RDP8, RDP8_LITE, Variant, ZgfxCompressor, ZgfxDecompressor
from pyrdpmux.codec.clear.decoder import Decoder as ClearDecoder
from pyrdpmux.codec.clear.encoder import Encoder as ClearEncoder
from pyrdpmux.codec.clear.stream import BitmapStream, Flags
from pyrdpmux.codec.progressive.decoder import Decoder as ProgressiveDecoder
from pyrdpmux.codec.progressive.encoder import Encoder as ProgressiveEncoder
from pyrdpmux.codec.table import CODECS, Codec
from pyrdpmux.geometry import Rect
from pyrdpmux.wire import decode
from tests.codec.reference import libfreerdp, libfreerdp_clear, libfreerdp_rfx

HEIGHT, WIDTH = 128, 192
WHOLE = Rect(0, 0, WIDTH, HEIGHT)
PARTS = [Rect(0, 0, 64, 64), Rect(64, 0, 64, 128), Rect(128, 64, 64, 64)]
NUMBERS = range(3)
BEHIND = [("photo", 2), ("desktop", 1), ("desktop", 2)]
"""What an epoch brings: first what was there before, which is no change to who has seen it."""

Pixels = NDArray[np.uint8]


def screen(name: str, number: int) -> Pixels:
    return np.roll(SCREENS[name](HEIGHT, WIDTH), 5 * number, axis=1)


def test_the_table_says_who_has_them() -> None:
    for codec in CODECS.values():
        if codec.is_available:
            assert hasattr(codec.encode, "begin_epoch") == codec.has_epochs
        assert not (codec.has_epochs and codec.is_shareable)


class Viewer:
    """A surface and its decoder; what it showed before is for its owner to see to."""

    def __init__(self, codec: Codec, picture: Pixels) -> None:
        self.decoder = codec.decode() if codec.name == "remotefx" else codec.decode(WIDTH, HEIGHT)
        self.picture = picture.copy()

    def show(self, messages: Sequence[bytes]) -> None:
        for data in messages:
            self.decoder.decode(data, self.picture)


@pytest.mark.parametrize("codec_name", ["remotefx", "progressive", "avc420", "avc444"])
def test_surfaces(codec_name: str) -> None:
    codec = CODECS[codec_name]
    if not codec.is_available:
        pytest.skip(f"the extra {codec.extra!r} is not installed")
    encoder, old = codec.encode(WIDTH, HEIGHT), Viewer(codec, np.zeros((HEIGHT, WIDTH, 4), np.uint8))
    for _ in range(2):
        for number in NUMBERS:
            old.show(encoder.encode(screen("photo", number), [WHOLE]))
        encoder.begin_epoch()
        late = Viewer(codec, old.picture)
        for name, number in BEHIND:
            messages = encoder.encode(screen(name, number), PARTS if name == "desktop" else [WHOLE])
            old.show(messages)
            late.show(messages)
            assert (old.picture == late.picture).all()


@pytest.mark.skipif(not CODECS["avc444"].is_available, reason="PyAV (the extra 'h264') is not installed")
def test_color_alone_brings_luma_with_it_in_a_new_epoch() -> None:
    encoder = Avc444Encoder(WIDTH, HEIGHT)
    encoder.encode(screen("text", 0), chroma=False)
    encoder.begin_epoch()
    [data] = encoder.encode(screen("text", 0), luma=False)
    assert decode(Avc444Stream, data).luma is not None


@pytest.mark.parametrize("first_stage", [0, 1])
def test_progressive_upgrades_what_the_epoch_has_brought_only(first_stage: int) -> None:
    encoder = ProgressiveEncoder(WIDTH, HEIGHT)
    old, late = ProgressiveDecoder(WIDTH, HEIGHT), ProgressiveDecoder(WIDTH, HEIGHT)
    shown = [np.zeros((HEIGHT, WIDTH, 4), np.uint8) for _ in range(2)]
    for data in encoder.encode(screen("photo", 0), None, first_stage):
        old.decode(data, shown[0])
    assert encoder.incomplete == 6
    encoder.begin_epoch()
    assert encoder.incomplete == 0
    assert encoder.upgrade() == []
    messages = encoder.encode(screen("photo", 1), [WHOLE], first_stage)
    messages += encoder.encode(screen("photo", 2), PARTS, first_stage)
    for data in [*messages, *encoder.upgrade()]:
        old.decode(data, shown[0])
        late.decode(data, shown[1])
    assert (shown[0] == shown[1]).all()


@pytest.mark.skipif(libfreerdp.library() is None, reason="libfreerdp2 is not installed")
def test_libfreerdp_joins_a_progressive_stream() -> None:
    encoder = ProgressiveEncoder(WIDTH, HEIGHT)
    old, late = libfreerdp_rfx.Progressive(WIDTH, HEIGHT), libfreerdp_rfx.Progressive(WIDTH, HEIGHT)
    shown = [np.zeros((HEIGHT, WIDTH, 4), np.uint8) for _ in range(2)]
    for number in NUMBERS:
        assert old.decode(encoder.encode(screen("photo", number))[0], shown[0])
    encoder.begin_epoch()
    for name, number in BEHIND:
        [data] = encoder.encode(screen(name, number), PARTS if name == "desktop" else [WHOLE])
        for decoder, picture in zip((old, late), shown, strict=True):
            assert decoder.decode(data, picture)
        assert (shown[0] == shown[1]).all()


class TestClear:
    """Glyphs and columns that came before an epoch are not referred to in it."""

    RECTS = [WHOLE, *PARTS, *[Rect(8 * i, 16, 8, 18) for i in range(8)]]

    def test_joining(self) -> None:
        encoder, old = ClearEncoder(), ClearDecoder()
        theirs = libfreerdp_clear.Decoder() if libfreerdp.library() else None
        for epoch in range(3):
            encoder.begin_epoch()
            late = ClearDecoder(encoder.sequence_number)
            latest = libfreerdp_clear.Decoder() if libfreerdp.library() else None
            for number in (0, 0, epoch):
                frame = screen("text", number)
                messages = encoder.encode(frame, self.RECTS)
                for rect, data in zip(self.RECTS, messages, strict=True):
                    part = frame[rect.y : rect.bottom, rect.x : rect.right, :3]
                    for decoder in (old, late, theirs, latest):
                        if decoder is not None:
                            shown = decoder.decode(data, rect.width, rect.height)
                            assert shown is not None
                            assert (shown[..., :3] == part).all()

    def test_numbers_go_on_and_the_first_message_resets(self) -> None:
        encoder = ClearEncoder(sequence_number=254)
        frame = screen("text", 0)
        glyph = [Rect(0, 0, 8, 18)]
        found = []
        for _ in range(2):
            found += [decode(BitmapStream, encoder.encode(frame, glyph)[0]) for _ in range(2)]
            encoder.begin_epoch()
        assert [stream.sequence_number for stream in found] == [254, 255, 0, 1]
        assert encoder.sequence_number == 2
        first, second = Flags.CACHE_RESET | Flags.GLYPH_INDEX, Flags.GLYPH_INDEX | Flags.GLYPH_HIT
        assert [stream.flags for stream in found] == [first, second] * 2

    def test_one_encoder_goes_on_for_another(self) -> None:
        frame, decoder = screen("text", 0), ClearDecoder()
        encoder = ClearEncoder()
        for _ in range(3):
            for data in encoder.encode(frame, [WHOLE]):
                assert (decoder.decode(data, WIDTH, HEIGHT)[..., :3] == frame[..., :3]).all()
            encoder = ClearEncoder(sequence_number=encoder.sequence_number)


@pytest.mark.parametrize("variant", [RDP8, RDP8_LITE], ids=["RDP8", "RDP8-lite"])
def test_zgfx(variant: Variant) -> None:
    """Whatever a receiver has had before: nothing, the same, something else, more than the history holds."""
    size = 8000 if variant.single else 200_000
    text = screen("text", 0).tobytes() * 4
    noise = np.random.default_rng(1).integers(0, 256, size, dtype=np.uint8).tobytes()
    compressor = ZgfxCompressor(variant)
    others = [ZgfxDecompressor(variant) for _ in range(4)]
    for _ in range(3):
        assert others[0].decompress(compressor.compress(text[:size])) == text[:size]
    strange = ZgfxCompressor(variant)
    for _ in range(20):
        message = strange.compress(noise)
        others[1].decompress(message)
        if not len(others[2]._history):
            others[2].decompress(message)
    compressor.begin_epoch()
    for data in (text[:size], text[100:size], noise, text[:size]):
        message = compressor.compress(data)
        assert [other.decompress(message) for other in others] == [data] * 4
    assert len(message) < size // 20
