"""The JPEG surface codec."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pyrdpmux.codec import jpeg
from pyrdpmux.errors import DecodeError, EncodeError
from tests.codec import pictures

pytest.importorskip("PIL", reason="Pillow (the extra 'jpeg') is not installed")


def psnr(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> float:
    difference = one[..., :3].astype(np.int64) - two[..., :3]
    return float(10 * np.log10(255**2 / max(1e-3, (difference**2).mean())))


@pytest.mark.parametrize(
    ("quality", "subsampling", "floor"), [(75, True, 34), (95, True, 37), (75, False, 36), (95, False, 42)]
)
@pytest.mark.parametrize("name", ["photo", "gradient"])
def test_quality_floor(name: str, quality: int, subsampling: bool, floor: float) -> None:
    tiles = pictures.screen_tiles(name, 4)
    for tile, data in zip(tiles, jpeg.encode_tiles(tiles, quality, subsampling=subsampling), strict=True):
        decoded = jpeg.decode(data, 64, 64)
        assert psnr(tile, decoded) >= floor
        assert (decoded[..., 3] == 255).all()
        assert len(data) < 64 * 64 * 3


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (17, 31), (1, 4096)], ids=str)
def test_odd_sizes(shape: tuple[int, int]) -> None:
    tile = np.full((*shape, 4), 99, np.uint8)
    decoded = jpeg.decode(jpeg.encode_tiles([tile])[0], shape[1], shape[0])
    assert abs(decoded[..., :3].astype(int) - 99).max() <= 2


def test_parts_of_frames() -> None:
    frame = pictures.screen_tiles("photo", 4)[0]
    assert jpeg.encode_tiles([frame[8:40, 8:50]]) == jpeg.encode_tiles([frame[8:40, 8:50].copy()])
    out = np.zeros((64, 64, 4), np.uint8)
    data = jpeg.encode_tiles([frame[8:40, 8:50]])[0]
    jpeg.decode(data, 42, 32, out=out[8:40, 8:50])
    assert (out[8:40, 8:50] == jpeg.decode(data, 42, 32)).all()


@pytest.mark.parametrize("quality", [0, 96, -1])
def test_refuses_qualities_that_do_not_exist(quality: int) -> None:
    with pytest.raises(EncodeError):
        jpeg.encode_tiles(np.zeros((1, 4, 4, 4), np.uint8), quality)


class TestHostileInput:
    def test_another_size_is_refused_before_decoding(self) -> None:
        data = bytearray(jpeg.encode_tiles([pictures.picture(64, 64, "blocks")])[0])
        with pytest.raises(DecodeError, match="expected 64 x 63"):
            jpeg.decode(bytes(data), 64, 63)
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = b"\xff" * 4
        with pytest.raises(DecodeError, match="65535"):
            jpeg.decode(bytes(data), 64, 64)

    def test_two_frames_are_refused(self) -> None:
        data = jpeg.encode_tiles([pictures.picture(16, 16, "blocks")])[0]
        at = data.index(b"\xff\xc0")
        frame = data[at : at + 19]
        with pytest.raises(DecodeError, match="second frame"):
            jpeg.decode(data[:at] + frame + data[at:], 16, 16)

    def test_every_truncation_is_refused(self) -> None:
        data = jpeg.encode_tiles([pictures.picture(16, 24, "blocks")])[0]
        for size in range(len(data) - 2):
            with pytest.raises(DecodeError):
                jpeg.decode(data[:size], 24, 16)

    def test_mutations_are_refused_or_decoded(self) -> None:
        data = jpeg.encode_tiles([pictures.picture(24, 24, "blocks")])[0]
        results = [
            pictures.attempt(lambda data: jpeg.decode(data, 24, 24), changed)
            for changed in pictures.mutations(data, 2000)
        ]
        assert any(pixels is None for pixels in results)
        assert any(pixels is not None for pixels in results)

    def test_other_formats_are_refused(self) -> None:
        for data in (b"", b"\x89PNG\r\n\x1a\n" + bytes(30), b"BM" + bytes(60)):
            with pytest.raises(DecodeError):
                jpeg.decode(data, 1, 1)

    @pytest.mark.parametrize(("width", "height"), [(0, 1), (1, 0), (-1, 4), (1 << 24, 2)])
    def test_absurd_sizes(self, width: int, height: int) -> None:
        with pytest.raises(DecodeError):
            jpeg.decode(b"", width, height)
