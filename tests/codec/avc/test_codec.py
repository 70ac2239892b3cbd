"""Frames to messages to surfaces; libfreerdp as the other reader."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.screens import SCREENS
from pyrdpmux.codec import extras
from pyrdpmux.codec.avc import yuv
from pyrdpmux.codec.avc.codec import Avc420Decoder, Avc420Encoder, Avc444Decoder, Avc444Encoder
from pyrdpmux.codec.avc.convert import Converter
from pyrdpmux.codec.avc.h264 import H264Decoder, H264Encoder
from pyrdpmux.codec.avc.stream import Avc420Stream, Avc444Stream, MetaBlock, QuantQuality, Rectangle16
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.geometry import Rect
from pyrdpmux.wire import decode, encode
from tests.codec import pictures
from tests.codec.reference import libfreerdp_avc

pytestmark = pytest.mark.skipif(
    not extras.is_installed(extras.H264), reason="PyAV (the extra 'h264') is not installed"
)
needs_libfreerdp = pytest.mark.skipif(
    not libfreerdp_avc.is_available(), reason="libfreerdp2 with H.264 is not installed"
)
SIZES = [(320, 240), (250, 131), (16, 16), (1, 1), (7, 3), (80, 33), (2, 2)]


def psnr(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> float:
    difference = one[..., :3].astype(np.int64) - two[..., :3]
    return float(10 * np.log10(255**2 / max(1e-3, (difference**2).mean())))


def decoded(
    decoder: Avc420Decoder | Avc444Decoder, message: bytes, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """What a message shows on an empty surface of (height, width)."""
    out = np.zeros((*shape, 4), np.uint8)
    assert decoder.decode(message, out) != []
    return out


@pytest.mark.parametrize(
    ("name", "qp", "floor_420", "floor_444"),
    [
        ("photo", 10, 40, 45),
        ("photo", 22, 37, 38),
        ("photo", 34, 32, 32),
        ("gradient", 22, 39, 39),
        ("desktop", 22, 36, 36),
        ("text", 10, 28, 39),
        ("text", 22, 28, 34),
    ],
)
def test_quality_floor(name: str, qp: int, floor_420: float, floor_444: float) -> None:
    frame = SCREENS[name](240, 320)
    [message] = Avc420Encoder(320, 240, qp).encode(frame)
    assert psnr(frame, decoded(Avc420Decoder(320, 240), message, (240, 320))) >= floor_420
    for version in (1, 2):
        [message] = Avc444Encoder(320, 240, qp, version=version).encode(frame)
        assert (
            psnr(frame, decoded(Avc444Decoder(320, 240, version=version), message, (240, 320))) >= floor_444
        )


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_many_frames_of_any_size(width: int, height: int) -> None:
    frames = [np.roll(SCREENS["photo"](height, width), 3 * i, axis=1) for i in range(6)]
    encoder, decoder = Avc420Encoder(width, height), Avc420Decoder(width, height)
    for frame in frames:
        assert psnr(frame, decoded(decoder, encoder.encode(frame)[0], (height, width))) > 30
    for version in (1, 2) if width % 2 == 0 else ():
        full, reader = (
            Avc444Encoder(width, height, version=version),
            Avc444Decoder(width, height, version=version),
        )
        for frame in frames:
            assert psnr(frame, decoded(reader, full.encode(frame)[0], (height, width))) > 30


@pytest.mark.parametrize("exact_color", [False, True])
def test_part_of_a_larger_frame(exact_color: bool) -> None:
    frame = SCREENS["desktop"](200, 300)
    part = frame[31:131, 57:207]
    messages = [
        Avc420Encoder(150, 100, exact_color=exact_color).encode(pixels) for pixels in (part, part.copy())
    ]
    assert messages[0] == messages[1]
    assert psnr(part, decoded(Avc420Decoder(150, 100), messages[0][0], (100, 150))) > 35


def test_exact_color_is_nearer() -> None:
    frame = SCREENS["photo"](240, 320)
    found = [
        psnr(
            frame,
            decoded(
                Avc420Decoder(320, 240),
                Avc420Encoder(320, 240, exact_color=exact).encode(frame)[0],
                (240, 320),
            ),
        )
        for exact in (False, True)
    ]
    assert found[0] <= found[1] < found[0] + 1
    assert (found[0] < found[1]) == (Converter(320, 240)._swscale is not None)


class TestRegions:
    REGIONS = (Rect(3, 5, 17, 13), Rect(31, 0, 33, 7))
    ALIGNED = (Rect(16, 16, 16, 32), Rect(32, 0, 32, 16))

    def shown(self, decoded: NDArray[np.uint8], frame: NDArray[np.uint8], regions: tuple[Rect, ...]) -> None:
        """Regions are the frame's, everything else is as before."""
        mask = np.zeros(frame.shape[:2], np.bool_)
        for region in regions:
            mask[region.y : region.bottom, region.x : region.right] = True
        assert (decoded[~mask] == 77).all()
        assert psnr(decoded[mask], frame[mask]) > 30

    def test_420(self) -> None:
        frame = SCREENS["photo"](48, 64)
        out = np.full((48, 64, 4), 77, np.uint8)
        [message] = Avc420Encoder(64, 48).encode(frame, self.REGIONS)
        assert decode(Avc420Stream, message).meta.regions == (
            Rectangle16(3, 5, 20, 18),
            Rectangle16(31, 0, 64, 7),
        )
        assert Avc420Decoder(64, 48).decode(message, out) == list(self.REGIONS)
        self.shown(out, frame, self.REGIONS)

    @pytest.mark.parametrize("version", [1, 2])
    def test_444(self, version: int) -> None:
        frame = SCREENS["photo"](48, 64)
        out = np.full((48, 64, 4), 77, np.uint8)
        encoder = Avc444Encoder(64, 48, version=version)
        with pytest.raises(EncodeError, match="aligned_regions"):
            encoder.encode(frame, self.REGIONS)
        [message] = encoder.encode(frame, self.ALIGNED)
        assert Avc444Decoder(64, 48, version=version).decode(message, out) == 2 * list(self.ALIGNED)
        self.shown(out, frame, self.ALIGNED)

    @pytest.mark.parametrize(
        "region", [Rectangle16(0, 0, 65, 48), Rectangle16(0, 0, 64, 49), Rectangle16(5, 5, 5, 9)], ids=str
    )
    def test_outside_of_the_surface_is_refused(self, region: Rectangle16) -> None:
        frame = SCREENS["photo"](48, 64)
        stream = decode(Avc420Stream, Avc420Encoder(64, 48).encode(frame)[0])
        stream = Avc420Stream(MetaBlock((region,), (QuantQuality(22),)), stream.bitstream)
        for decoder, message in (
            (Avc420Decoder(64, 48), encode(stream)),
            (Avc444Decoder(64, 48), encode(Avc444Stream(stream))),
        ):
            out = np.full((48, 64, 4), 77, np.uint8)
            with pytest.raises(DecodeError, match="surface"):
                decoder.decode(message, out)
            assert (out == 77).all()


@pytest.mark.parametrize("rect", [Rect(0, 0, 65, 48), Rect(-1, 0, 5, 5), Rect(5, 5, 0, 4)], ids=str)
def test_is_not_asked_to_show_what_lies_outside(rect: Rect) -> None:
    frame = SCREENS["photo"](48, 64)
    for encoder in (Avc420Encoder(64, 48), Avc444Encoder(64, 48)):
        with pytest.raises(EncodeError, match="rects"):
            encoder.encode(frame, [rect])


@pytest.mark.parametrize("version", [1, 2])
def test_color_may_follow(version: int) -> None:
    frame = SCREENS["text"](240, 320)
    encoder = Avc444Encoder(320, 240, version=version)
    [first], [second] = encoder.encode(frame, chroma=False), encoder.encode(frame, luma=False)
    assert decode(Avc444Stream, first).chroma is None
    assert decode(Avc444Stream, second).luma is None
    decoder = Avc444Decoder(320, 240, version=version)
    surface = decoded(decoder, first, (240, 320))
    before = psnr(frame, surface)
    decoder.decode(second, surface)
    assert psnr(frame, surface) > before + 3


def test_color_does_not_come_twice_for_one_luma() -> None:
    """FreeRDP 2.11 would filter again what it has filtered."""
    frame = SCREENS["text"](48, 64)
    encoder = Avc444Encoder(64, 48)
    left, right = [Rect(0, 0, 32, 48)], [Rect(32, 0, 32, 48)]
    asked = [(left, False), (left, True), (left, False), (None, False), (right, False)]
    streams = [
        decode(Avc444Stream, encoder.encode(frame, rects, luma=luma, chroma=not luma)[0])
        for rects, luma in asked
    ]
    found = [(stream.luma is not None, stream.chroma is not None) for stream in streams]
    assert found == [(True, True), (True, False), (False, True), (True, True), (True, True)]


def test_444_needs_an_even_width() -> None:
    with pytest.raises(EncodeError, match="width: 63"):
        Avc444Encoder(63, 48)


@pytest.mark.parametrize("width", [1040, 1024, 1030])
def test_width_is_coded_in_multiples_of_32(width: int) -> None:
    frame = SCREENS["photo"](16, width)
    streams = [decode(Avc420Stream, Avc420Encoder(width, 16).encode(frame)[0])]
    full = decode(Avc444Stream, Avc444Encoder(width, 16).encode(frame)[0])
    for stream in (*streams, full.luma):
        assert stream is not None
        picture = H264Decoder(1056, 16).decode(stream.bitstream)
        assert not yuv.planes(picture)[0][:, width + -width % 32 :].any()
        assert yuv.planes(picture)[0][:, : width + -width % 32].all()


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("crop", [0, 2])
@pytest.mark.parametrize("coded", [1040, 1056])
def test_444_of_servers_that_code_other_widths(
    version: int, crop: int, coded: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Halves are those of the width that is coded, whatever the stream says of cropping."""
    frame = SCREENS["text"](32, 1040)
    options = H264Encoder._options

    def with_cropping(*arguments: Any) -> dict[str, str]:
        found = options(*arguments)
        found["x264-params"] += f":crop-rect=0,0,{coded - 1040 + crop},{crop}"
        return found

    with monkeypatch.context() as patch:
        patch.setattr(yuv, "coded_size", lambda width, height: (coded, height))
        patch.setattr(H264Encoder, "_options", staticmethod(with_cropping))
        [message] = Avc444Encoder(1040, 32, version=version).encode(frame)
    assert psnr(frame, decoded(Avc444Decoder(1040, 32, version=version), message, (32, 1040))) > 34


@needs_libfreerdp
class TestLibfreerdp:
    @pytest.mark.parametrize(("width", "height"), [(320, 240), (250, 132), (640, 48)])
    def test_420_is_the_same(self, width: int, height: int) -> None:
        encoder = Avc420Encoder(width, height)
        ours, theirs = Avc420Decoder(width, height), libfreerdp_avc.Decoder(width, height)
        for name in ("photo", "text", "desktop"):
            [message] = encoder.encode(SCREENS[name](height, width))
            foreign = theirs.decode_420(message)
            assert foreign is not None
            assert (foreign[..., :3] == decoded(ours, message, (height, width))[..., :3]).all()

    @pytest.mark.parametrize("version", [1, 2])
    @pytest.mark.parametrize(("width", "height"), [(320, 240), (272, 48), (250, 132)])
    def test_444_is_the_same_but_for_filtered_values(self, width: int, height: int, version: int) -> None:
        # Its vector code filters even lines in a way of its own; where pixels lie is what is compared.
        for name in ("photo", "text", "desktop"):
            frame = SCREENS[name](height, width)
            [message] = Avc444Encoder(width, height, version=version).encode(frame)
            ours = decoded(Avc444Decoder(width, height, version=version), message, (height, width))
            theirs = libfreerdp_avc.Decoder(width, height).decode_444(message, version)
            assert theirs is not None
            same = (ours[..., :3] == theirs[..., :3]).all(axis=2)
            assert same[1::2].all()
            if version == 2:
                assert same[:, 1::2].all()
            assert psnr(frame, ours) >= psnr(frame, theirs) - 0.1

    @pytest.mark.skipif(not libfreerdp_avc.can_encode(), reason="libfreerdp2 has no H.264 encoder")
    @pytest.mark.parametrize("name", ["photo", "text", "desktop"])
    def test_writes_what_we_read(self, name: str) -> None:
        frame = SCREENS[name](240, 320)
        message = libfreerdp_avc.Encoder(320, 240).encode_420(frame)
        ours = decoded(Avc420Decoder(320, 240), message, (240, 320))
        theirs = libfreerdp_avc.Decoder(320, 240).decode_420(message)
        assert theirs is not None
        assert (ours[..., :3] == theirs[..., :3]).all()
        color = psnr(frame, ours)
        for version in (1, 2):
            message = libfreerdp_avc.Encoder(320, 240).encode_444(frame, version)
            ours = decoded(Avc444Decoder(320, 240, version=version), message, (240, 320))
            theirs = libfreerdp_avc.Decoder(320, 240).decode_444(message, version)
            assert theirs is not None
            assert psnr(frame, ours) >= psnr(frame, theirs)
            # the other view's colors are in their places
            assert psnr(frame, ours) > (color + 3 if name == "text" else color - 1)

    @pytest.mark.parametrize("version", [1, 2])
    def test_color_that_is_asked_for_again_does_no_harm(self, version: int) -> None:
        frame = SCREENS["text"](240, 320)
        encoder, theirs = Avc444Encoder(320, 240, version=version), libfreerdp_avc.Decoder(320, 240)
        found = []
        for luma, chroma in ((True, False), (False, True), (False, True), (False, True)):
            shown = theirs.decode_444(encoder.encode(frame, luma=luma, chroma=chroma)[0], version)
            assert shown is not None
            found.append(psnr(frame, shown))
        assert min(found[1:]) > max(found[1:]) - 0.1

    def test_444_luma_alone_is_420(self) -> None:
        frame = SCREENS["photo"](240, 320)
        [message] = Avc444Encoder(320, 240).encode(frame, chroma=False)
        theirs = libfreerdp_avc.Decoder(320, 240).decode_444(message, 2)
        assert theirs is not None
        ours = decoded(Avc444Decoder(320, 240), message, (240, 320))
        assert (theirs[..., :3] == ours[..., :3]).all()


class TestHostileInput:
    @pytest.mark.parametrize(
        ("message", "decoder"),
        [
            (lambda frame: Avc420Encoder(64, 48).encode(frame)[0], lambda: Avc420Decoder(64, 48)),
            (lambda frame: Avc444Encoder(64, 48).encode(frame)[0], lambda: Avc444Decoder(64, 48)),
        ],
        ids=["420", "444"],
    )
    def test_mutations(
        self,
        message: Callable[[NDArray[np.uint8]], bytes],
        decoder: Callable[[], Avc420Decoder | Avc444Decoder],
    ) -> None:
        data = message(pictures.picture(48, 64, "blocks"))
        reader = decoder()
        surface = Rect(0, 0, 64, 48)

        def shown(data: bytes) -> NDArray[np.uint8]:
            out = np.zeros((48, 64, 4), np.uint8)
            assert all(surface.contains(rect) for rect in reader.decode(data, out))
            return out

        results = [pictures.attempt(shown, changed) for changed in pictures.mutations(data, 500)]
        assert any(pixels is None for pixels in results)
        assert any(pixels is not None for pixels in results)

    def test_a_bad_second_view_leaves_the_surface_alone(self) -> None:
        [data] = Avc444Encoder(64, 48).encode(pictures.picture(48, 64, "blocks"))
        stream = decode(Avc444Stream, data)
        assert stream.chroma is not None
        out = np.full((48, 64, 4), 77, np.uint8)
        with pytest.raises(DecodeError):
            Avc444Decoder(64, 48).decode(data[: -len(stream.chroma.bitstream)], out)
        assert (out == 77).all()


def test_refuses_frames_of_another_size() -> None:
    with pytest.raises(EncodeError):
        Avc420Encoder(64, 48).encode(np.zeros((48, 63, 4), np.uint8))
