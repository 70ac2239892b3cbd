"""Every codec of the table: its one shape, there and back, and each thing that its row says of it."""

import inspect
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.screens import SCREENS
from pyrdpmux import codec as front_door
from pyrdpmux.codec import extras
from pyrdpmux.codec.avc.regions import aligned_regions
from pyrdpmux.codec.color import reduce_and_expand
from pyrdpmux.codec.table import (
    BULK_CODECS,
    CODECS,
    PICTURE_CODECS,
    Codec,
    State,
    Unit,
    bitmap_codec,
    described,
)
from pyrdpmux.errors import DecodeError, EncodeError, MissingExtra
from pyrdpmux.geometry import Rect

HEIGHT, WIDTH = 96, 160
WHOLE = Rect(0, 0, WIDTH, HEIGHT)
RECTS = [Rect(8, 4, 70, 50), Rect(100, 60, 33, 36), Rect(78, 4, 70, 50)]

Pixels = NDArray[np.uint8]

each_picture_codec = pytest.mark.parametrize("codec", PICTURE_CODECS, ids=lambda codec: codec.name)
each_bulk_codec = pytest.mark.parametrize("codec", BULK_CODECS, ids=lambda codec: codec.name)


def need(codec: Codec) -> None:
    if not codec.is_available:
        pytest.skip(f"the extra {codec.extra!r} is not installed")


class Sender:
    """A codec's encoder, whatever it remembers."""

    def __init__(self, codec: Codec) -> None:
        made: dict[State, Any] = {
            State.NONE: lambda: codec,
            State.CLIENT: codec.encode,
            State.SURFACE: lambda: codec.encode(WIDTH, HEIGHT),
        }
        self._encoder = made[codec.state]()

    def encode(self, frame: Pixels, rects: list[Rect]) -> list[bytes]:
        messages: list[bytes] = self._encoder.encode(frame, rects)
        return messages


class Receiver:
    """A codec's decoder, and what it shows; (0, 0, 0) where nothing came."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        made: dict[State, Any] = {
            State.NONE: lambda: codec,
            State.CLIENT: codec.decode,
            # a RemoteFX stream says its size itself
            State.SURFACE: codec.decode if codec.name == "remotefx" else lambda: codec.decode(WIDTH, HEIGHT),
        }
        self._decoder = made[codec.state]()
        self.picture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)

    def show(self, messages: list[bytes], rects: list[Rect]) -> None:
        if self._codec.unit is Unit.FRAME:
            changed = [rect for data in messages for rect in self._decoder.decode(data, self.picture)]
            assert set(changed) == set(rects)
            return
        for data, rect in zip(messages, rects, strict=True):
            pixels = self._decoder.decode(data, rect.width, rect.height)
            if self._codec.name == "alpha":
                pixels = np.dstack([pixels] * 4)
            assert pixels.shape == (rect.height, rect.width, 4)
            self.picture[rect.y : rect.bottom, rect.x : rect.right] = pixels


def parts(codec: Codec) -> list[Rect]:
    """Some rectangles that the codec takes."""
    return aligned_regions(RECTS, WIDTH, HEIGHT) if codec.name == "avc444" else RECTS


def expected(codec: Codec, frame: Pixels) -> Pixels:
    """What a lossless codec shows: all channels, at 16 bits, or the fourth alone."""
    if codec.name == "interleaved":
        return reduce_and_expand(frame, 16)[..., :3]
    return np.repeat(frame[..., 3:], 3, axis=2) if codec.name == "alpha" else frame[..., :3]


def picture(screen: str) -> Pixels:
    frame = SCREENS[screen](HEIGHT, WIDTH).copy()
    frame[..., 3] = frame[..., 0]
    return frame


@each_picture_codec
@pytest.mark.parametrize("screen", ["text", "photo"])
@pytest.mark.parametrize("is_whole", [True, False], ids=["whole", "parts"])
def test_pictures(codec: Codec, screen: str, is_whole: bool) -> None:
    need(codec)
    rects = [WHOLE] if is_whole else parts(codec)
    frame = picture(screen)
    receiver = Receiver(codec)
    receiver.show(Sender(codec).encode(frame, rects), rects)
    shown = np.zeros((HEIGHT, WIDTH), np.bool_)
    for rect in rects:
        shown[rect.y : rect.bottom, rect.x : rect.right] = True
    decoded, wanted = receiver.picture[..., :3], expected(codec, frame)
    assert (decoded[~shown] == 0).all()
    if codec.is_lossless:
        assert (decoded[shown] == wanted[shown]).all()
    else:
        error = ((decoded[shown].astype(int) - wanted[shown]) ** 2).mean()
        assert 0 < error < 255**2 / 10 ** (25 / 10)


@each_picture_codec
@pytest.mark.parametrize(
    "rect", [Rect(-1, 0, 4, 4), Rect(0, 0, 0, 4), Rect(WIDTH - 3, 0, 4, 4), Rect(0, HEIGHT, 4, 1)], ids=str
)
def test_rectangles_outside_of_the_frame_are_refused(codec: Codec, rect: Rect) -> None:
    need(codec)
    with pytest.raises(EncodeError, match="rects"):
        Sender(codec).encode(picture("text"), [WHOLE, rect])


@each_picture_codec
def test_no_rectangles_and_one_message_for_each(codec: Codec) -> None:
    need(codec)
    if codec.unit is Unit.RECTANGLE:
        assert Sender(codec).encode(picture("text"), []) == []
        assert len(Sender(codec).encode(picture("text"), RECTS)) == len(RECTS)
    else:
        assert len(Sender(codec).encode(picture("text"), parts(codec))) == 1


@each_picture_codec
def test_state(codec: Codec) -> None:
    """Functions without, classes with; and an encoder that remembers says the same in another way again."""
    need(codec)
    assert inspect.isclass(codec.encode) == inspect.isclass(codec.decode) == (codec.state is not State.NONE)
    sender, frame = Sender(codec), picture("text")
    first, second = sender.encode(frame, [WHOLE]), sender.encode(frame, [WHOLE])
    assert (first == second) == (codec.state is State.NONE)


@each_picture_codec
def test_shareable_is_what_a_late_viewer_understands(codec: Codec) -> None:
    need(codec)
    sender, frame = Sender(codec), picture("photo")
    sender.encode(frame, [WHOLE])
    late, early = Receiver(codec), Receiver(codec)
    message = sender.encode(frame, [WHOLE])
    try:
        late.show(message, [WHOLE])
    except DecodeError:
        understood = False
    else:
        early.show(Sender(codec).encode(frame, [WHOLE]), [WHOLE])
        understood = bool((late.picture == early.picture).all())
    assert understood == codec.is_shareable


def unpacked(decompressor: Any, packed: Any) -> bytes:
    if isinstance(packed, bytes):
        data: bytes = decompressor.decompress(packed)
    else:
        data = decompressor.decompress(packed.flags, packed.data)
    return data


@each_bulk_codec
def test_bulk(codec: Codec) -> None:
    compressor, decompressor = codec.encode(), codec.decode()
    data = SCREENS["text"](16, 100).tobytes()
    for _ in range(3):
        packed = compressor.compress(data)
        assert len(packed if isinstance(packed, bytes) else packed.data) < len(data)
        assert unpacked(decompressor, packed) == data
    assert (codec.unit, codec.state, codec.is_lossless) == (Unit.BYTES, State.CLIENT, True)
    try:
        late = unpacked(codec.decode(), compressor.compress(data))
    except DecodeError:
        late = b""
    assert (late == data) == codec.is_shareable


def test_names_and_extras() -> None:
    assert list(CODECS) == [
        "uncompressed", "interleaved", "planar", "nscodec", "remotefx", "progressive", "clear", "alpha",
        "avc420", "avc444", "jpeg", "mppc", "ncrush", "xcrush", "zgfx",
    ]  # fmt: skip
    assert {name: codec.extra for name, codec in CODECS.items() if codec.extra} == {
        "avc420": "h264",
        "avc444": "h264",
        "jpeg": "jpeg",
    }


@pytest.mark.parametrize("name", ["avc420", "avc444", "jpeg"])
def test_without_its_extra_a_codec_says_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(module: str) -> Any:
        raise ModuleNotFoundError(f"No module named {module!r}")

    codec = CODECS[name]
    monkeypatch.setattr(extras, "import_module", absent)
    monkeypatch.setattr(extras, "find_spec", lambda module: None)
    with pytest.raises(MissingExtra, match=rf"expected pyrdpmux\[{codec.extra}\] \(No module named"):
        Sender(codec).encode(picture("text"), [WHOLE])
    assert not codec.is_available
    assert described(codec)["available"] is False
    assert CODECS["planar"].is_available


def test_what_bitmap_updates_are_compressed_with() -> None:
    assert {depth: bitmap_codec(depth).name for depth in (8, 15, 16, 24, 32)} == {
        8: "interleaved",
        15: "interleaved",
        16: "interleaved",
        24: "interleaved",
        32: "planar",
    }
    for depth in (0, 12, 64):
        with pytest.raises(EncodeError, match="bitsPerPixel"):
            bitmap_codec(depth)
    frame = picture("text")
    for depth, codec in ((16, "planar"), (32, "interleaved")):
        with pytest.raises(EncodeError, match="bitsPerPixel"):
            CODECS[codec].encode(frame, [WHOLE], depth)


def test_a_row_for_people() -> None:
    assert described(CODECS["clear"]) == {
        "specification": "MS-RDPEGFX 2.2.4.1",
        "lossless": True,
        "unit": "rectangle",
        "state": "client",
        "shareable": False,
        "epochs": True,
        "extra": None,
        "available": True,
    }


def test_the_front_door_shows_the_table() -> None:
    """Its docstring has a line for each codec, with what the table says."""
    lines = (front_door.__doc__ or "").splitlines()
    for codec in PICTURE_CODECS:
        line = " ".join(next(line for line in lines if line.startswith(codec.name)).split())
        facts = ["yes" if codec.is_lossless else "no", codec.state.value, codec.unit.value]
        facts += [codec.extra or "-", codec.specification]
        assert line == " ".join([codec.name, *facts])
