"""Every codec of the table, there and back."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.screens import SCREENS
from pyrdpmux.codec.color import reduce_and_expand
from pyrdpmux.codec.table import BULK_CODECS, CODECS, PICTURE_CODECS, Codec

HEIGHT, WIDTH = 96, 160
EXTRAS = {"h264": "av", "jpeg": "PIL"}

Pixels = NDArray[np.uint8]


def functions(codec: Codec, frame: Pixels) -> Pixels:
    """The shape of all that have no memory."""
    decoded: Pixels = codec.decode(codec.encode([frame])[0], WIDTH, HEIGHT)
    return decoded


def at_16_bits(codec: Codec, frame: Pixels) -> Pixels:
    """What the reduction takes does not count."""
    decoded: Pixels = codec.decode(codec.encode([frame], 16)[0], WIDTH, HEIGHT, 16)
    return np.where(decoded == reduce_and_expand(frame, 16), frame, decoded)


def opacity(codec: Codec, frame: Pixels) -> Pixels:
    """One channel after the other."""
    planes = [codec.decode(codec.encode([frame[..., i]])[0], WIDTH, HEIGHT) for i in range(4)]
    return np.stack(planes, axis=2)


def with_memory(codec: Codec, frame: Pixels) -> Pixels:
    """One encoder for a client."""
    decoded: Pixels = codec.decode().decode(codec.encode().encode([frame])[0], WIDTH, HEIGHT)
    return decoded


def of_a_surface(codec: Codec, frame: Pixels) -> Pixels:
    """One encoder for a surface."""
    out = np.zeros_like(frame)
    decoder = codec.decode() if codec.name == "remotefx" else codec.decode(WIDTH, HEIGHT)
    messages = codec.encode(WIDTH, HEIGHT).encode(frame)
    for message in [messages] if isinstance(messages, bytes) else messages:
        decoder.decode(message, out)
    return out


ROUND_TRIPS: dict[str, Callable[[Codec, Pixels], Pixels]] = {
    "uncompressed": functions,
    "interleaved": at_16_bits,
    "planar": functions,
    "nscodec": functions,
    "remotefx": of_a_surface,
    "progressive": of_a_surface,
    "clear": with_memory,
    "alpha": opacity,
    "avc420": of_a_surface,
    "avc444": of_a_surface,
    "jpeg": functions,
}


@pytest.mark.parametrize("codec", PICTURE_CODECS, ids=lambda codec: codec.name)
@pytest.mark.parametrize("screen", ["text", "photo"])
def test_pictures(codec: Codec, screen: str) -> None:
    if codec.extra:
        pytest.importorskip(EXTRAS[codec.extra], reason=f"the extra {codec.extra!r} is not installed")
    frame = SCREENS[screen](HEIGHT, WIDTH)
    decoded = ROUND_TRIPS[codec.name](codec, frame.copy())[..., :3].astype(int)
    if codec.is_lossless:
        assert (decoded == frame[..., :3]).all()
    else:
        error = ((decoded - frame[..., :3]) ** 2).mean()
        assert 0 < error < 255**2 / 10 ** (25 / 10)


@pytest.mark.parametrize("codec", BULK_CODECS, ids=lambda codec: codec.name)
def test_bulk(codec: Codec) -> None:
    compressor, decompressor = codec.encode(), codec.decode()
    data = SCREENS["text"](16, 100).tobytes()
    for _ in range(3):
        packed: Any = compressor.compress(data)
        if isinstance(packed, bytes):
            assert len(packed) < len(data)
            assert decompressor.decompress(packed) == data
        else:
            assert len(packed.data) < len(data)
            assert decompressor.decompress(packed.flags, packed.data) == data


def test_names_are_unique() -> None:
    assert len(CODECS) == len(PICTURE_CODECS) + len(BULK_CODECS)
    assert all(CODECS[name].name == name for name in CODECS)
