"""RemoteFX frames both ways: the specification's sample, libfreerdp, quality, hostile input."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.screens import SCREENS
from pyrdpmux.codec.rfx import color, tile
from pyrdpmux.codec.rfx.decoder import Decoder
from pyrdpmux.codec.rfx.encoder import Encoder, touched
from pyrdpmux.codec.rfx.headers import Channel, Channels, Context, Entropy, Properties, Sync
from pyrdpmux.codec.rfx.message import (
    Message,
    Region,
    Tile,
    TileSet,
    decode_messages,
    encode_messages,
)
from pyrdpmux.codec.rfx.quant import DEFAULT, Quantization
from pyrdpmux.codec.rfx.rlgr_tables import Mode
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.geometry import Rect
from tests.codec import pictures
from tests.codec.reference import libfreerdp, libfreerdp_rfx

Pixels = NDArray[np.uint8]

VECTORS = Path(__file__).parents[4] / "shared/vectors/freerdp/c-arrays"
needs_libfreerdp = pytest.mark.skipif(libfreerdp.library() is None, reason="libfreerdp2 is not installed")
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason=f"{VECTORS} is absent")
MODES = pytest.mark.parametrize("mode", list(Mode), ids=lambda mode: mode.name)
SHAPES = [(64, 64), (1, 1), (130, 65), (7, 1030)]
HEADERS: list[Message] = [Sync(), Context(), Channels((Channel(128, 128),))]


def psnr(one: Pixels, two: Pixels) -> float:
    difference = one[..., :3].astype(np.int64) - two[..., :3]
    return float(10 * np.log10(255**2 / max(1e-3, (difference**2).mean())))


def decoded(data: bytes, shape: tuple[int, ...]) -> Pixels:
    out = np.zeros((*shape[:2], 4), np.uint8)
    Decoder().decode(data, out)
    return out


def encoded(frame: Pixels, rects: list[Rect] | None = None, mode: Mode = Mode.RLGR1) -> bytes:
    encoder = Encoder(frame.shape[1], frame.shape[0], mode=mode, image_mode=True)
    (data,) = encoder.encode(frame, rects)
    return data


@needs_vectors
def test_the_sample_of_4_2_is_its_picture() -> None:
    header, data, image = (
        (VECTORS / f"TestFreeRDPCodecRemoteFX.{name}.bin").read_bytes()
        for name in ("encodeHeaderSample", "encodeDataSample", "srefImage")
    )
    out = np.zeros((64, 64, 4), np.uint8)
    decoder = Decoder()
    assert decoder.decode(header, out) == []
    # The capture's data block holds one frame; FreeRDP's copy repeats it.
    assert Rect(0, 0, 64, 64) in decoder.decode(data, out)
    expected = np.frombuffer(image, np.uint8).reshape(64, 64, 4)
    assert abs(out[..., :3].astype(int) - expected[..., :3]).max() <= 1


@needs_libfreerdp
@MODES
@pytest.mark.parametrize("shape", SHAPES, ids=str)
class TestLibfreerdp:
    def test_reads_ours_as_we_do(self, mode: Mode, shape: tuple[int, int]) -> None:
        for name in ("text", "photo", "noise"):
            frame = SCREENS[name](*shape)
            data = encoded(frame, mode=mode)
            theirs = np.zeros_like(frame)
            assert libfreerdp_rfx.RemoteFX(shape[1], shape[0], encoder=False).decode(data, theirs)
            assert abs(theirs[..., :3].astype(int) - decoded(data, shape)[..., :3]).max() <= 1

    def test_writes_what_we_read(self, mode: Mode, shape: tuple[int, int]) -> None:
        for name in ("desktop", "gradient"):
            frame = SCREENS[name](*shape)
            number = list(Mode).index(mode)
            codec = libfreerdp_rfx.RemoteFX(shape[1], shape[0], number)
            data = codec.encode(frame)
            theirs = np.zeros_like(frame)
            assert libfreerdp_rfx.RemoteFX(shape[1], shape[0], encoder=False).decode(data, theirs)
            assert abs(theirs[..., :3].astype(int) - decoded(data, shape)[..., :3]).max() <= 1

    def test_is_no_better_at_equal_bytes(self, mode: Mode, shape: tuple[int, int]) -> None:
        for name in ("text", "desktop", "photo", "gradient"):
            frame = SCREENS[name](*shape)
            theirs = libfreerdp_rfx.RemoteFX(shape[1], shape[0], list(Mode).index(mode)).encode(frame)
            ours = encoded(frame, mode=mode)
            assert len(ours) <= len(theirs) * 1.005
            assert psnr(decoded(ours, shape), frame) >= psnr(decoded(theirs, shape), frame) - 0.15


@pytest.mark.parametrize(("name", "floor"), [("text", 39), ("desktop", 42), ("photo", 43), ("gradient", 46)])
def test_quality_floor(name: str, floor: float) -> None:
    frame = SCREENS[name](256, 320)
    assert psnr(decoded(encoded(frame), frame.shape), frame) >= floor


def test_coarser_quantization_costs_less() -> None:
    frame = SCREENS["photo"](128, 128)
    coarse = Quantization(7, 7, 7, 7, 9, 9, 9, 11, 11, 11)
    finest = Quantization(*[6] * 10)
    sizes, qualities = [], []
    for kinds in ((finest,) * 3, (DEFAULT,) * 3, (DEFAULT, coarse, coarse), (coarse,) * 3):
        (data,) = Encoder(128, 128, quantizations=kinds).encode(frame)
        sizes.append(len(data))
        qualities.append(psnr(decoded(data, frame.shape), frame))
    assert sizes == sorted(sizes, reverse=True)
    assert qualities == sorted(qualities, reverse=True)
    assert qualities[0] > 46


class TestEncoder:
    def test_sends_headers_once_in_video_mode(self) -> None:
        frame = SCREENS["text"](64, 64)
        encoder = Encoder(64, 64)
        first, second = encoder.encode(frame)[0], encoder.encode(frame)[0]
        assert isinstance(decode_messages(first)[0], Sync)
        assert not any(isinstance(message, Sync) for message in decode_messages(second))
        out = np.zeros_like(frame)
        decoder = Decoder()
        decoder.decode(first, out)
        before = out.copy()
        out[:] = 0
        decoder.decode(second, out)
        assert (out == before).all()

    def test_only_touched_tiles_go_out_and_only_rectangles_are_shown(self) -> None:
        frame = SCREENS["photo"](200, 300)
        areas = [Rect(60, 10, 10, 30), Rect(250, 150, 50, 50)]
        data = encoded(frame, areas)
        out = np.zeros_like(frame)
        assert Decoder().decode(data, out) == areas
        shown = np.zeros((200, 300), np.bool_)
        for x, y, w, h in areas:
            shown[y : y + h, x : x + w] = True
        assert (out[~shown] == 0).all()
        assert psnr(out[shown], frame[shown]) > 40
        (tileset,) = [m for m in decode_messages(data) if isinstance(m, TileSet)]
        assert [(t.x, t.y) for t in tileset.tiles] == [(0, 0), (1, 0), (3, 2), (4, 2), (3, 3), (4, 3)]

    def test_large_updates_are_split(self) -> None:
        frame = SCREENS["photo"](256, 256)
        encoder = Encoder(256, 256)
        parts = encoder.encode(frame, maximum=2000)
        assert len(parts) > 3
        assert max(map(len, parts)) <= 2000
        out = np.zeros_like(frame)
        decoder = Decoder()
        for part in parts:
            decoder.decode(part, out)
        (whole,) = Encoder(256, 256).encode(frame)
        assert (out == decoded(whole, frame.shape)).all()

    @pytest.mark.parametrize(
        "rect", [Rect(-1, 0, 4, 4), Rect(0, 0, 0, 4), Rect(0, 0, 65, 4), Rect(60, 0, 5, 4)]
    )
    def test_refuses_what_lies_outside(self, rect: Rect) -> None:
        with pytest.raises(EncodeError):
            touched([rect], 64, 64)

    def test_refuses_frames_of_another_size(self) -> None:
        with pytest.raises(EncodeError):
            Encoder(64, 64).encode(np.zeros((64, 65, 4), np.uint8))
        with pytest.raises(EncodeError):
            Encoder(0, 64)
        with pytest.raises(EncodeError):
            tile.encode(np.zeros((1, 64, 32, 4), np.uint8))

    def test_a_batch_equals_its_tiles_one_by_one(self) -> None:
        tiles = np.concatenate([pictures.screen_tiles(name, 24) for name in ("text", "photo", "gradient")])
        assert tile.encode(tiles) == [tile.encode(one[None])[0] for one in tiles]
        assert tile.encode([]) == []


@pytest.mark.parametrize("count", [1, 5, 64, 150])
def test_tiles_without_color_are_coded_as_others(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tiles = np.concatenate([pictures.screen_tiles("photo", 16)] * 10)[:count].copy()
    gray = np.random.default_rng(count).random(count) < 0.5
    tiles[gray, ..., :3] = tiles[gray, ..., 1:2]
    tiles[..., 3] = np.arange(64)
    # one colored pixel, on a line that is not the first to be looked at
    tiles[gray.argmax(), 5, 5, 0] ^= 1
    kinds = (Quantization(), Quantization(hl1=9), Quantization(hl1=10))
    found = tile.encode(tiles, kinds)
    with monkeypatch.context() as patch:
        patch.setattr(color, "are_gray", lambda tiles: np.zeros(len(tiles), np.bool_))
        assert found == tile.encode(tiles, kinds)


class TestHostileInput:
    def test_every_truncation_is_refused(self) -> None:
        data = encoded(pictures.picture(64, 64, "sparse"))
        ends = [0]
        for message in decode_messages(data):
            ends.append(ends[-1] + len(encode_messages([message])))
        for size in range(len(data)):
            if size in ends:
                continue
            with pytest.raises(DecodeError):
                decoded(data[:size], (64, 64))

    def test_mutations(self) -> None:
        data = encoded(pictures.picture(70, 70, "blocks"))
        results = [
            pictures.attempt(lambda mutated: decoded(mutated, (70, 70)), mutated)
            for mutated in pictures.mutations(data, 300)
        ]
        assert any(result is None for result in results)
        assert any(result is not None for result in results)

    @pytest.mark.parametrize(
        "messages",
        [
            [Region(()), TileSet((DEFAULT,), ())],
            [*HEADERS, TileSet((DEFAULT,), ())],
            [*HEADERS, Region(()), TileSet((DEFAULT,), (Tile(2, 0, b"", b"", b""),))],
            [*HEADERS, Region(()), TileSet((DEFAULT,), (Tile(0, 2, b"", b"", b""),))],
            [*HEADERS, Region(()), TileSet((DEFAULT,), (Tile(0, 0, b"", b"", b""),) * 5)],
            [Sync(0x0200)],
            [Context(tile_size=32)],
            [Channels(())],
            [Channels((Channel(0, 5),))],
            [Channels((Channel(65535, 65535),))],
        ],
    )
    def test_what_makes_no_sense(self, messages: list[Message]) -> None:
        with pytest.raises(DecodeError):
            decoded(encode_messages(messages), (128, 128))

    @pytest.mark.parametrize("entropy", sorted({*range(16)} - {Entropy.RLGR1, Entropy.RLGR3}))
    def test_unknown_entropy_coding_is_refused(self, entropy: int) -> None:
        """The field has four bits; two values mean something."""
        tileset = TileSet((DEFAULT,), (Tile(0, 0, b"", b"", b""),), Properties(Entropy(entropy)))
        with pytest.raises(DecodeError, match=f"entropy {entropy:#x}"):
            decoded(encode_messages([*HEADERS, Region(()), tileset]), (128, 128))

    def test_without_rectangles_all_is_shown(self) -> None:
        streams = tile.encode(pictures.picture(64, 64, "flat")[None])[0]
        messages: list[Message] = [*HEADERS, Region(()), TileSet((DEFAULT,), (Tile(1, 1, *streams),))]
        out = decoded(encode_messages(messages), (100, 100))
        assert out[64:, 64:].any()
        assert not out[:64].any()
