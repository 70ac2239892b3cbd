"""NSCodec, RemoteFX and progressive next to libfreerdp: ``python -m bench.rfx [screen ...]``.

A frame of 1920x1080 is 510 tiles of 64x64; a patch is 256x64 of its middle, 4 tiles. Times are the least of
several rounds, in milliseconds, encoders and decoders of both in turns on one core (libfreerdp's RemoteFX
would use all of them); ratio is ours to theirs, below 1 is faster. ``dec/enc`` is our decoder to our encoder.
"""

import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bench.codec import HEIGHT, WIDTH, grid, least
from bench.screens import SCREENS, Pixels
from pyrdpmux.codec import nscodec
from pyrdpmux.codec.progressive import decoder as progressive_decoder
from pyrdpmux.codec.progressive import encoder as progressive_encoder
from pyrdpmux.codec.rfx import decoder as rfx_decoder
from pyrdpmux.codec.rfx import encoder as rfx_encoder
from pyrdpmux.codec.rfx.rlgr_tables import Mode
from tests.codec.reference import libfreerdp, libfreerdp_rfx

ROUNDS = 5
PATCH_ROUNDS = 40
PATCH = (slice(512, 576), slice(832, 1088))


class Contest(NamedTuple):
    """Encoders that return the size, and decoders, ours and theirs."""

    encode: Callable[[], int]
    decode: Callable[[], Any]
    their_encode: Callable[[], int] | None = None
    their_decode: Callable[[], Any] | None = None


def of_nscodec(frame: Pixels, loss: int, subsampling: bool) -> Contest:
    height, width = frame.shape[:2]
    shapes: dict[tuple[int, int], list[Pixels]] = {}
    for x, y, w, h in grid(height, width):
        shapes.setdefault((w, h), []).append(frame[y : y + h, x : x + w])
    coded = {shape: nscodec.encode_tiles(tiles, loss, subsampling) for shape, tiles in shapes.items()}

    def encode() -> int:
        streams = [nscodec.encode_tiles(tiles, loss, subsampling) for tiles in shapes.values()]
        return sum([len(stream) for part in streams for stream in part])

    def decode() -> None:
        for (w, h), streams in coded.items():
            nscodec.decode_tiles(streams, w, h)

    if libfreerdp.library() is None:
        return Contest(encode, decode)
    codecs = {shape: libfreerdp_rfx.NSCodec(*shape, loss, subsampling) for shape in shapes}

    def their_encode() -> int:
        return sum([len(codecs[shape].encode(tile)) for shape, tiles in shapes.items() for tile in tiles])

    def their_decode() -> None:
        for shape, streams in coded.items():
            for stream in streams:
                codecs[shape].decode(stream, *shape)

    return Contest(encode, decode, their_encode, their_decode)


def of_remotefx(frame: Pixels, mode: Mode) -> Contest:
    height, width = frame.shape[:2]
    out = np.zeros_like(frame)
    encoder = rfx_encoder.Encoder(width, height, mode=mode, image_mode=True)
    (coded,) = encoder.encode(frame)

    def encode() -> int:
        return len(encoder.encode(frame)[0])

    def decode() -> None:
        rfx_decoder.Decoder().decode(coded, out)

    if libfreerdp.library() is None:
        return Contest(encode, decode)
    sender = libfreerdp_rfx.RemoteFX(width, height, list(Mode).index(mode))
    receiver = libfreerdp_rfx.RemoteFX(width, height, encoder=False)
    return Contest(encode, decode, lambda: len(sender.encode(frame)), lambda: receiver.decode(coded, out))


def of_progressive(frame: Pixels, extrapolated: bool) -> Contest:
    """Whole tiles, nothing kept, which is what libfreerdp's encoder does."""
    height, width = frame.shape[:2]
    out = np.zeros_like(frame)
    options: dict[str, Any] = {"extrapolated": extrapolated, "differences": False, "stages": ()}
    encoder = progressive_encoder.Encoder(width, height, **options)
    [coded] = encoder.encode(frame)
    decoder = progressive_decoder.Decoder(width, height)

    def encode() -> int:
        return len(encoder.encode(frame)[0])

    def decode() -> None:
        decoder.decode(coded, out)

    if libfreerdp.library() is None:
        return Contest(encode, decode)
    sender = libfreerdp_rfx.Progressive(width, height, encoder=True)
    receiver = libfreerdp_rfx.Progressive(width, height)
    return Contest(encode, decode, lambda: len(sender.encode(frame)), lambda: receiver.decode(coded, out))


def of_stages(frame: Pixels) -> Contest:
    """Ours alone: low quality at once, and both upgrades behind it; the whole of it, and its decoding."""
    height, width = frame.shape[:2]
    out = np.zeros_like(frame)

    def passes() -> list[bytes]:
        encoder = progressive_encoder.Encoder(width, height, differences=False)
        return [*encoder.encode(frame, first_stage=0), *encoder.upgrade(1), *encoder.upgrade()]

    coded = passes()

    def decode() -> None:
        decoder = progressive_decoder.Decoder(width, height)
        for data in coded:
            decoder.decode(data, out)

    return Contest(lambda: sum(map(len, passes())), decode)


CODECS: dict[str, Callable[[Pixels], Contest]] = {
    "NSCodec, loss 3, subsampled": lambda frame: of_nscodec(frame, 3, True),
    "NSCodec, loss 1": lambda frame: of_nscodec(frame, 1, False),
    "RemoteFX, RLGR1": lambda frame: of_remotefx(frame, Mode.RLGR1),
    "RemoteFX, RLGR3": lambda frame: of_remotefx(frame, Mode.RLGR3),
    "progressive": lambda frame: of_progressive(frame, False),
    "progressive, extrapolated": lambda frame: of_progressive(frame, True),
    "progressive, three passes": of_stages,
}


def report(label: str, contest: Contest, rounds: int) -> None:
    encode, decode = least(contest.encode, contest.decode, rounds=rounds)
    line = f"  {label:34} enc {encode:7.2f} ms {contest.encode():9,} bytes, dec {decode:7.2f}"
    if contest.their_encode and contest.their_decode:
        encode, decode, their_encode, their_decode = least(*contest, rounds=rounds)  # type: ignore[arg-type]
        line = (
            f"  {label:34} enc {encode:7.2f} ms {contest.encode():9,} bytes | C {their_encode:6.2f} ms "
            f"{contest.their_encode():9,} bytes | ratio {encode / their_encode:5.2f}, "
            f"size {contest.encode() / contest.their_encode():5.3f} | "
            f"dec {decode:7.2f}, C {their_decode:6.2f}"
        )
    print(f"{line} | dec/enc {decode / encode:4.1f}")


def main(names: list[str]) -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for name in names or list(SCREENS):
        print(name)
        frame = SCREENS[name](HEIGHT, WIDTH)
        patch = np.ascontiguousarray(frame[PATCH])
        for label, make in CODECS.items():
            report(f"{label}, frame", make(frame), ROUNDS)
            report(f"{label}, patch", make(patch), PATCH_ROUNDS)


if __name__ == "__main__":
    main(sys.argv[1:])
