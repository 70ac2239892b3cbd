"""Progressive frames both ways: libfreerdp, passes, differences, quality, hostile input."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.screens import SCREENS
from pyrdpmux.codec.progressive.block import FULL_INDEX, Context, FrameBegin
from pyrdpmux.codec.progressive.decoder import Decoder
from pyrdpmux.codec.progressive.encoder import STAGES, Encoder, stage
from pyrdpmux.codec.progressive.region import (
    DataBlock,
    Region,
    TileFlags,
    TileSimple,
    TileUpgrade,
    decode_blocks,
    encode_blocks,
)
from pyrdpmux.codec.rfx.message import Rectangle
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.geometry import Rect
from tests.codec import pictures
from tests.codec.reference import libfreerdp, libfreerdp_rfx

Pixels = NDArray[np.uint8]

needs_libfreerdp = pytest.mark.skipif(libfreerdp.library() is None, reason="libfreerdp2 is not installed")
SHAPES = [(64, 64), (1, 1), (130, 65), (7, 1030)]


def psnr(one: Pixels, two: Pixels) -> float:
    difference = one[..., :3].astype(np.int64) - two[..., :3]
    return float(10 * np.log10(255**2 / max(1e-3, (difference**2).mean())))


def regions(messages: list[bytes]) -> list[Region]:
    return [block for data in messages for block in decode_blocks(data) if isinstance(block, Region)]


class Client:
    """Our decoder, and libfreerdp's beside it, which must show the same."""

    def __init__(self, frame: Pixels, *, foreign: bool = True) -> None:
        height, width = frame.shape[:2]
        self.decoder = Decoder(width, height)
        self.screen = np.zeros_like(frame)
        self.other = libfreerdp_rfx.Progressive(width, height) if foreign and libfreerdp.library() else None
        self.other_screen = np.zeros_like(frame)

    def show(self, messages: list[bytes]) -> Pixels:
        for data in messages:
            self.decoder.decode(data, self.screen)
            assert not self.other or self.other.decode(data, self.other_screen)
        if self.other:
            assert abs(self.other_screen[..., :3].astype(int) - self.screen[..., :3]).max() <= 1
        return self.screen


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("extrapolated", [False, True])
class TestWholeTiles:
    def test_both_decoders_show_the_frame(self, shape: tuple[int, int], extrapolated: bool) -> None:
        for name in ("text", "photo", "noise"):
            frame = SCREENS[name](*shape)
            client = Client(frame)
            shown = client.show(Encoder(shape[1], shape[0], extrapolated=extrapolated).encode(frame))
            assert psnr(shown, frame) > 20 if name == "noise" else 39

    def test_changes(self, shape: tuple[int, int], extrapolated: bool) -> None:
        frame = SCREENS["desktop"](*shape)
        encoder, client = Encoder(shape[1], shape[0], extrapolated=extrapolated), Client(frame)
        client.show(encoder.encode(frame))
        for step in range(3):
            height, width = min(20, shape[0]), min(70, shape[1])
            frame[:height, :width] += np.uint8(40 * step + 1)
            assert psnr(client.show(encoder.encode(frame, [Rect(0, 0, width, height)])), frame) > 38


@needs_libfreerdp
@pytest.mark.parametrize("shape", SHAPES, ids=str)
class TestLibfreerdp:
    def test_writes_what_we_read(self, shape: tuple[int, int]) -> None:
        for name in ("text", "desktop", "photo"):
            frame = SCREENS[name](*shape)
            Client(frame).show([libfreerdp_rfx.Progressive(shape[1], shape[0], encoder=True).encode(frame)])

    def test_is_no_better_at_equal_bytes(self, shape: tuple[int, int]) -> None:
        for name in ("text", "desktop", "photo"):
            frame = SCREENS[name](*shape)
            theirs = libfreerdp_rfx.Progressive(shape[1], shape[0], encoder=True).encode(frame)
            [ours] = Encoder(shape[1], shape[0], extrapolated=False).encode(frame)
            # the head that says where the tiles are is theirs, too, but for a context
            assert len(ours) <= len(theirs) * 1.005 + 8
            quality = [psnr(Client(frame, foreign=False).show([data]), frame) for data in (ours, theirs)]
            assert quality[0] >= quality[1] - 0.15


class TestStages:
    @pytest.mark.parametrize("name", ["text", "photo", "gradient", "noise"])
    def test_quality_grows_to_that_of_whole_tiles(self, name: str) -> None:
        frame = SCREENS[name](130, 100)
        encoder, client = Encoder(100, 130), Client(frame)
        qualities = [psnr(client.show(encoder.encode(frame, first_stage=0)), frame)]
        assert encoder.incomplete == 6
        qualities.append(psnr(client.show(encoder.upgrade(1)), frame))
        assert encoder.incomplete == 6
        qualities.append(psnr(client.show(encoder.upgrade()), frame))
        assert encoder.incomplete == 0
        assert encoder.upgrade() == []
        assert qualities == sorted(qualities)
        whole = Client(frame, foreign=False).show(Encoder(100, 130).encode(frame))
        assert (whole == client.screen).all()

    def test_stages_may_be_skipped_and_tiles_chosen(self) -> None:
        frame = SCREENS["text"](64, 256)
        encoder, client = Encoder(256, 64), Client(frame)
        client.show(encoder.encode(frame, first_stage=0))
        data = encoder.upgrade(maximum=3)
        assert len(regions(data)[0].tiles) == 3
        client.show(data)
        assert encoder.incomplete == 1
        client.show(encoder.upgrade())
        whole = Client(frame, foreign=False).show(Encoder(256, 64).encode(frame))
        assert (whole == client.screen).all()

    def test_a_new_picture_replaces_an_incomplete_one(self) -> None:
        one, two = SCREENS["text"](64, 128), SCREENS["photo"](64, 128)
        encoder, client = Encoder(128, 64), Client(one)
        client.show(encoder.encode(one, first_stage=0))
        client.show(encoder.encode(two, [Rect(0, 0, 64, 64)], first_stage=1))
        client.show(encoder.upgrade())
        assert psnr(client.screen[:, :64], two[:, :64]) > 42
        assert psnr(client.screen[:, 64:], one[:, 64:]) > 38

    def test_differences_go_through_stages(self) -> None:
        frame = SCREENS["photo"](64, 128)
        encoder, client = Encoder(128, 64), Client(frame)
        client.show(encoder.encode(frame))
        frame[10:20, 10:20] = 200
        data = encoder.encode(frame, first_stage=0)
        assert all(tile.flags & TileFlags.DIFFERENCE for tile in regions(data)[0].tiles)  # type: ignore[union-attr]
        client.show(data)
        client.show(encoder.upgrade())
        assert psnr(client.screen, frame) > 42

    def test_custom_stages(self) -> None:
        frame = SCREENS["desktop"](64, 64)
        stages = [stage(10, (3, 6, 7, 8), (4, 7, 8, 8)), stage(50, (1, 3, 3, 4), (1, 3, 4, 5)), *STAGES[1:]]
        encoder, client = Encoder(64, 64, stages=stages), Client(frame)
        [first], [whole] = encoder.encode(frame, first_stage=0), Encoder(64, 64).encode(frame)
        assert len(first) < len(whole) / 3
        encoder = Encoder(64, 64, stages=stages)
        client.show(encoder.encode(frame, first_stage=0))
        for index in (1, 2, FULL_INDEX):
            client.show(encoder.upgrade(index))
        assert psnr(client.screen, frame) > 38


def checkerboard(height: int, width: int) -> Pixels:
    """Black and white in turns: what extrapolation fares worst with."""
    one = (np.add.outer(np.arange(height), np.arange(width)) % 2 * 255).astype(np.uint8)
    return np.dstack([one] * 4)


class TestExtremes:
    def test_a_checkerboard_stays_one_but_for_corners(self) -> None:
        frame = checkerboard(130, 130)
        client = Client(frame)
        shown = client.show(Encoder(130, 130).encode(frame))
        wrong = abs(shown[..., 0].astype(int) - frame[..., 0]) > 60
        assert wrong.sum() <= 9

    def test_the_opposite_of_all_can_be_sent(self) -> None:
        rng = np.random.default_rng(0)
        for frame in (checkerboard(64, 64), rng.integers(0, 2, (64, 64, 4), dtype=np.uint8) * np.uint8(255)):
            encoder, client = Encoder(64, 64), Client(frame)
            client.show(encoder.encode(frame))
            assert psnr(client.show(encoder.encode(255 - frame)), 255 - frame) > 20


class TestEncoder:
    def test_a_difference_costs_less_and_is_taken_only_then(self) -> None:
        frame = SCREENS["photo"](128, 128)
        encoder = Encoder(128, 128)
        first = encoder.encode(frame)
        again = encoder.encode(frame)
        assert len(again[0]) < len(first[0]) / 5
        assert all(tile.flags for tile in regions(again)[0].tiles)  # type: ignore[union-attr]
        flat = np.full_like(frame, 99)
        assert not any(tile.flags for tile in regions(encoder.encode(flat))[0].tiles)  # type: ignore[union-attr]

    def test_without_differences_and_stages_nothing_is_kept(self) -> None:
        frame = SCREENS["photo"](128, 128)
        encoder = Encoder(128, 128, stages=(), differences=False)
        [first], [again] = encoder.encode(frame), encoder.encode(frame)
        assert regions([first]) == regions([again])
        assert any(isinstance(block, Context) for block in decode_blocks(first))
        assert not any(isinstance(block, Context) for block in decode_blocks(again))

    def test_large_frames_go_in_batches(self) -> None:
        frame = SCREENS["text"](64, 64 * 70)
        encoder, client = Encoder(64 * 70, 64), Client(frame)
        client.show(encoder.encode(frame, first_stage=0))
        client.show(encoder.upgrade())
        assert psnr(client.screen, frame) > 38

    def test_refuses(self) -> None:
        encoder = Encoder(64, 64)
        with pytest.raises(EncodeError):
            encoder.encode(np.zeros((64, 65, 4), np.uint8))
        with pytest.raises(EncodeError):
            encoder.encode(np.zeros((64, 64, 4), np.uint8), first_stage=2)
        with pytest.raises(EncodeError):
            Encoder(64, 64, extrapolated=False).encode(np.zeros((64, 64, 4), np.uint8), first_stage=0)


def attempt(data: bytes, after: bytes = b"") -> Pixels | None:
    def decode(data: bytes) -> Pixels:
        decoder, out = Decoder(70, 70), np.zeros((70, 70, 4), np.uint8)
        if after:
            decoder.decode(after, out)
        decoder.decode(data, out)
        return out

    return pictures.attempt(decode, data)


class TestHostileInput:
    def test_every_truncation_is_refused(self) -> None:
        encoder = Encoder(70, 70)
        frame = pictures.picture(70, 70, "sparse")
        for [data] in (encoder.encode(frame, first_stage=0), encoder.upgrade()):
            ends = {0}
            for block in decode_blocks(data):
                ends.add(max(ends) + len(encode_blocks([block])))
            for size in range(0, len(data), 3):
                if size not in ends:
                    with pytest.raises(DecodeError):
                        decode_blocks(data[:size])

    @pytest.mark.parametrize("kind", ["blocks", "random", "sparse"])
    def test_mutations(self, kind: str) -> None:
        frame = pictures.picture(70, 70, kind)
        encoder = Encoder(70, 70)
        [first], [upgrade] = encoder.encode(frame, first_stage=0), encoder.upgrade()
        results = [attempt(data) for data in pictures.mutations(first, 80)]
        results += [attempt(data, first) for data in pictures.mutations(upgrade, 80)]
        assert any(result is None for result in results)
        assert any(result is not None for result in results)

    @pytest.mark.parametrize(
        "tiles",
        [
            (TileSimple(2, 0, b"", b"", b""),),
            (TileSimple(0, 2, b"", b"", b""),),
            (TileSimple(0, 0, b"", b"", b""),) * 5,
            (TileUpgrade(0, 0, FULL_INDEX, (b"",) * 6),),
        ],
    )
    def test_what_makes_no_sense(self, tiles: tuple[TileSimple, ...]) -> None:
        blocks = decode_blocks(Encoder(70, 70).encode(pictures.picture(70, 70, "flat"))[0])
        changed: list[DataBlock] = [
            Region(block.rectangles, block.quantizations, (), tiles) if isinstance(block, Region) else block
            for block in blocks
        ]
        assert attempt(encode_blocks(changed)) is None

    def test_upgrades_cannot_take_back(self) -> None:
        encoder, frame = Encoder(70, 70), pictures.picture(70, 70, "blocks")
        [first] = encoder.encode(frame)
        other = Encoder(70, 70)
        other.encode(frame, first_stage=0)
        assert attempt(other.upgrade(1)[0], first) is None

    def test_regions_outside_of_frames_are_ignored(self) -> None:
        blocks = decode_blocks(Encoder(70, 70).encode(pictures.picture(70, 70, "blocks"))[0])
        shown = attempt(encode_blocks([block for block in blocks if not isinstance(block, FrameBegin)]))
        assert shown is not None
        assert not shown.any()

    def test_a_tile_serves_several_regions_of_a_frame(self) -> None:
        blocks = decode_blocks(Encoder(70, 70).encode(pictures.picture(70, 70, "flat"))[0])
        (whole,) = [block for block in blocks if isinstance(block, Region)]
        parts = [
            Region((Rectangle(0, 0, 10, 70),), whole.quantizations, (), whole.tiles),
            Region((Rectangle(10, 0, 60, 70),), whole.quantizations, (), ()),
        ]
        shown = attempt(encode_blocks([FrameBegin(0, 2), *parts]))
        assert shown is not None
        assert (shown[..., 3] == 255).all()

    def test_absurd_surfaces(self) -> None:
        for width, height in ((0, 1), (1, -1), (65535, 65535)):
            with pytest.raises(DecodeError):
                Decoder(width, height)
