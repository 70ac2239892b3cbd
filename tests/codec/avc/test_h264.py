"""The H.264 codec's wrappers."""

import numpy as np
import pytest

from pyrdpmux.codec import extras
from pyrdpmux.codec.avc import yuv
from pyrdpmux.codec.avc.h264 import H264Decoder, H264Encoder
from pyrdpmux.errors import DecodeError, EncodeError
from tests.codec import pictures

pytestmark = pytest.mark.skipif(
    not extras.is_installed(extras.H264), reason="PyAV (the extra 'h264') is not installed"
)


def picture(kind: str = "blocks", seed: int = 0, height: int = 48, width: int = 64) -> yuv.I420:
    return yuv.to_yuv420(pictures.picture(height, width, kind, seed))


def test_one_picture_in_one_out() -> None:
    encoder, decoder = H264Encoder(64, 48, 10), H264Decoder(64, 48)
    for seed in range(20):
        before = picture(seed=seed)
        data = encoder.encode(before)
        assert data.startswith(b"\0\0\0\1")
        after = decoder.decode(data)
        assert after.shape == before.shape
        assert abs(after.astype(int) - before).mean() < 3


def test_the_profile_is_high() -> None:
    # of all that a client may have to take, the one with the fewest bytes
    data = H264Encoder(64, 48).encode(picture())
    parameters = data.index(b"\0\0\1\x67")
    assert data[parameters + 4] == 100


def test_quantiser_zero_is_lossless() -> None:
    before = picture("random")
    assert (H264Decoder(64, 48).decode(H264Encoder(64, 48, 0).encode(before)) == before).all()


def test_still_pictures_cost_nothing() -> None:
    encoder = H264Encoder(64, 48)
    encoder.encode(picture())
    assert max(len(encoder.encode(picture())) for _ in range(5)) < 60


def test_a_key_frame_can_be_joined() -> None:
    encoder = H264Encoder(64, 48)
    encoder.encode(picture())
    later = encoder.encode(picture(seed=1))
    key = encoder.encode(picture(seed=1), key_frame=True)
    with pytest.raises(DecodeError):
        H264Decoder(64, 48).decode(later)
    assert H264Decoder(64, 48).decode(key).shape == (72, 64)


def test_a_rate_is_kept() -> None:
    encoder = H264Encoder(320, 240, 10, max_rate=600_000)
    sizes = [len(encoder.encode(picture("random", seed, 240, 320))) for seed in range(30)]
    free = len(H264Encoder(320, 240, 10).encode(picture("random", 1, 240, 320)))
    assert sum(sizes[10:]) / 20 < free / 3


def test_a_rate_is_of_pictures_that_come_in_a_second() -> None:
    totals = []
    for frame_rate in (60, 20):
        encoder = H264Encoder(320, 240, 10, max_rate=600_000, frame_rate=frame_rate)
        sizes = [len(encoder.encode(picture("random", seed, 240, 320))) for seed in range(30)]
        totals.append(sum(sizes[10:]))
    assert totals[1] > 2 * totals[0]


def test_works_in_the_thread_of_its_caller() -> None:
    context = H264Encoder(64, 48)._context
    assert context.thread_count == 1


@pytest.mark.parametrize(("width", "height"), [(0, 16), (16, 0), (17, 16), (16, 8), (8208, 16)])
def test_refuses_sizes(width: int, height: int) -> None:
    with pytest.raises(EncodeError):
        H264Encoder(width, height)


@pytest.mark.parametrize("qp", [-1, 52])
def test_refuses_quantisers(qp: int) -> None:
    with pytest.raises(EncodeError):
        H264Encoder(16, 16, qp)


def test_refuses_other_pictures() -> None:
    with pytest.raises(EncodeError):
        H264Encoder(64, 48).encode(picture(height=64))


class TestHostileInput:
    def test_larger_pictures_are_refused(self) -> None:
        data = H264Encoder(128, 48).encode(picture(width=128))
        with pytest.raises(DecodeError):
            H264Decoder(64, 48).decode(data)
        # as many pixels, but another shape
        with pytest.raises(DecodeError):
            H264Decoder(48, 128).decode(data)

    def test_smaller_pictures_leave_the_rest_black(self) -> None:
        before = picture()
        after = H264Decoder(128, 96).decode(H264Encoder(64, 48, 0).encode(before))
        assert (yuv.planes(after)[0][:48, :64] == yuv.planes(before)[0]).all()
        assert not yuv.planes(after)[0][48:].any()

    def test_garbage_and_truncations_raise_nothing_else(self) -> None:
        data = H264Encoder(64, 48).encode(picture("random"))
        refused = 0
        for size in range(0, len(data), 37):
            try:
                H264Decoder(64, 48).decode(data[:size])
            except DecodeError:
                refused += 1
        assert refused > 5

    def test_mutations_raise_nothing_else(self) -> None:
        data = H264Encoder(64, 48).encode(picture())
        decoder = H264Decoder(64, 48)
        shapes = set()
        for changed in pictures.mutations(data, 1000):
            found = pictures.attempt(decoder.decode, changed)
            shapes.add(None if found is None else np.shape(found))
        assert shapes == {None, (72, 64)}
