"""swscale's conversion next to ours."""

from typing import Any

import numpy as np
import pytest

from bench.screens import SCREENS
from pyrdpmux.codec import extras
from pyrdpmux.codec.avc import convert, yuv
from pyrdpmux.codec.avc.convert import Converter
from pyrdpmux.codec.color import Pixels
from pyrdpmux.geometry import Rect
from tests.codec import pictures

pytestmark = pytest.mark.skipif(
    not extras.is_installed(extras.H264), reason="PyAV (the extra 'h264') is not installed"
)


def shown(picture: yuv.I420, frame: Pixels) -> Pixels:
    height, width = frame.shape[:2]
    return yuv.from_yuv420(*yuv.planes(picture))[:height, :width]


def noise(one: Pixels, two: Pixels) -> float:
    return float(((one[..., :3].astype(np.int64) - two[..., :3]) ** 2).mean())


@pytest.mark.parametrize("kind", ["random", "blocks", "steps", "black"])
@pytest.mark.parametrize(("height", "width"), [(48, 64), (50, 70), (17, 31), (1, 1), (2, 100), (33, 2)])
def test_values_are_within_two_of_ours(height: int, width: int, kind: str) -> None:
    frame = pictures.picture(height, width, kind)
    ours, found = yuv.to_yuv420(yuv.padded(frame)), Converter(width, height).to_yuv420(frame)
    assert found.shape == ours.shape
    for step, (plane, expected) in enumerate(zip(yuv.planes(found), yuv.planes(ours), strict=True)):
        scale = 1 + (step > 0)
        inside = slice(-(-height // scale)), slice(-(-width // scale))
        assert np.abs(plane[inside].astype(int) - expected[inside]).max() <= 2
        assert (plane[:, width // scale + 1 :] == plane[:, -1:]).all()
        assert (plane[height // scale + 1 :] == plane[-1]).all()


def test_grays_stay_grays() -> None:
    frame = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(2, 0).repeat(2, 1).repeat(4, 2)
    assert (shown(Converter(32, 32).to_yuv420(frame), frame)[..., :3] == frame[..., :3]).all()


@pytest.mark.parametrize("name", ["photo", "desktop", "text", "gradient"])
def test_little_is_lost(name: str) -> None:
    """H.264 at its default quantiser has ten times the noise of 40 dB, and adds its own."""
    frame = SCREENS[name](240, 320)
    ours = noise(shown(yuv.to_yuv420(frame), frame), frame)
    assert noise(shown(Converter(320, 240).to_yuv420(frame), frame), frame) < ours + 3


def test_parts_of_frames_in_any_order_of_lines() -> None:
    frame = pictures.picture(100, 120, "random")
    frame.flags.writeable = False
    converter = Converter(64, 48)
    for part in (frame[5:53, 7:71], frame[52:4:-1, 7:71], frame[5:53, 70:6:-1]):
        assert (converter.to_yuv420(part) == Converter(64, 48).to_yuv420(part.copy())).all()


@pytest.mark.parametrize("has_swscale", [True, False])
def test_only_what_has_changed_is_converted(has_swscale: bool) -> None:
    """At the edges, too, where the picture is larger than the frame."""
    before, after = (pictures.picture(50, 70, kind) for kind in ("random", "blocks"))
    converter, other = Converter(70, 50), Converter(70, 50)
    if not has_swscale:
        converter._swscale = other._swscale = None
    assert (shown(converter.update(before, []), before)[..., :3] == 0).all()
    converter.to_yuv420(before)
    rects = [Rect(16, 0, 16, 32), Rect(64, 32, 32, 32)]
    found = yuv.from_yuv420(*yuv.planes(converter.update(after, rects)))
    new = yuv.from_yuv420(*yuv.planes(other.to_yuv420(after)))
    expected = yuv.from_yuv420(*yuv.planes(other.to_yuv420(before)))
    for rect in rects:
        expected[rect.slices] = new[rect.slices]
    assert (found == expected).all()


@pytest.mark.parametrize(
    "change",
    [
        {"dst_color_range": "MPEG"},
        {"dst_colorspace": "ITU601"},
        {"interpolation": "NONE"},
        {"no_such_choice": 1},
    ],
    ids=str,
)
def test_numpy_does_it_where_swscale_does_something_else(
    change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pictures.picture(50, 70, "random")
    ours = yuv.to_yuv420(yuv.padded(frame))
    usual = Converter(70, 50)
    assert (usual.to_yuv420(frame) != ours).any() == (usual._swscale is not None)
    monkeypatch.setattr(convert, "_AS_OURS", {**convert._AS_OURS, **change})
    other = Converter(70, 50)
    assert other._swscale is None
    assert (other.to_yuv420(frame) == ours).all()
