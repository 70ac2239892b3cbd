"""Time and size of the bulk compressors on planar tiles, next to libfreerdp's and zlib's in the same process.

``python -m bench.bulk [screen ...]``. The data are the planar streams of a frame of 1920x1080 in tiles of
64x64. Packets are 16000 bytes (8000 for MPPC 8K), as a server would cut its updates; ZGFX takes one message.
Times are the least of several rounds; ratios are ours to theirs, below 1 is faster or smaller. libfreerdp 2
has no ZGFX compressor (it copies): zlib at level 1 is the measure there.
"""

import sys
import time
import zlib
from collections.abc import Callable
from typing import TypeVar

from bench.screens import SCREENS
from pyrdpmux.codec import planar
from pyrdpmux.codec.bulk.matches import LZ4_WINDOW
from pyrdpmux.codec.bulk.packet import Compressed, CompressionType
from pyrdpmux.codec.bulk.packets import PacketDecompressor, compressor
from pyrdpmux.codec.bulk.zgfx import ZgfxCompressor, ZgfxDecompressor
from tests.codec.reference import libfreerdp, libfreerdp_bulk

T = TypeVar("T")

ROUNDS = 5
KINDS = {
    "mppc8": (CompressionType.K8, 8000),
    "mppc64": (CompressionType.K64, 16000),
    "ncrush": (CompressionType.RDP6, 16000),
    "xcrush": (CompressionType.RDP61, 16000),
}


def least(work: Callable[[], T], rounds: int = ROUNDS) -> tuple[float, T]:
    """Milliseconds of the quickest of several calls, and what the last one gave."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return best * 1e3, result


def planar_tiles(name: str, height: int = 1088, width: int = 1920) -> bytes:
    """A frame as a server's planar streams, one after the other."""
    frame = SCREENS[name](height, width)
    tiles = frame.reshape(height // 64, 64, width // 64, 64, 4).swapaxes(1, 2).reshape(-1, 64, 64, 4)
    return b"".join(planar.encode_tiles(tiles))


def speed(size: int, ms: float) -> str:
    return f"{ms:7.1f} ms {size / ms / 1e3:6.1f} MB/s"


def compare_packets(data: bytes, kind: str) -> None:
    compression_type, step = KINDS[kind]
    packets = [data[at : at + step] for at in range(0, len(data), step)]

    def ours() -> list[Compressed]:
        sender = compressor(compression_type)
        return [sender.compress(packet) for packet in packets]

    ms, sent = least(ours)
    size = sum([len(packet.data) for packet in sent])
    line = f"  {kind:7} {speed(len(data), ms)} {size:9,} bytes"

    def back() -> None:
        receiver = PacketDecompressor()
        for packet, original in zip(sent, packets, strict=True):
            assert receiver.decompress(packet.flags, packet.data) == original

    line += f" | back {speed(len(data), least(back, 2)[0])}"
    if libfreerdp.library() is not None:

        def theirs() -> list[Compressed]:
            sender = libfreerdp_bulk.Compressor(kind)
            return [sender.compress(packet) for packet in packets]

        their_ms, their_sent = least(theirs)
        their_size = sum([len(packet.data) for packet in their_sent])
        line += f" | C {speed(len(data), their_ms)} {their_size:9,} bytes"
        line += f" | time {ms / their_ms:5.2f}, size {size / their_size:5.3f}"
    print(line)


def compare_zgfx(data: bytes, make: Callable[[], ZgfxCompressor], label: str) -> None:
    ms, sent = least(lambda: make().compress(data), 3 * ROUNDS)
    line = f"  zgfx {label:7} {speed(len(data), ms)} {len(sent):9,} bytes"
    back_ms, message = least(lambda: ZgfxDecompressor().decompress(sent), 2)
    assert message == data
    line += f" | back {speed(len(data), back_ms)}"
    if libfreerdp.library() is not None:
        their_ms, message_or_none = least(lambda: libfreerdp_bulk.Zgfx().decompress(sent), 2)
        assert message_or_none == data
        line += f" (C {their_ms:5.1f} ms)"
    zlib_ms, packed = least(lambda: zlib.compress(data, 1))
    line += f" | zlib {speed(len(data), zlib_ms)} {len(packed):9,} bytes"
    line += f" | time {ms / zlib_ms:5.2f}, size {len(sent) / len(packed):5.3f}"
    print(line)


def repeat_zgfx(data: bytes) -> None:
    """What a frame costs that was sent before: 2.5 MB of history have it, or its end."""
    sender = ZgfxCompressor()
    sender.compress(data)
    start = time.perf_counter()
    sent = sender.compress(data)
    ms = (time.perf_counter() - start) * 1e3
    print(f"  zgfx again   {speed(len(data), ms)} {len(sent):9,} bytes")


def short_zgfx(data: bytes) -> None:
    """What a small update costs behind others: the mean of a hundred messages of each size."""
    line = "  zgfx short  "
    for size in (100, 250, 500, 1000, 2000, 4000):
        messages = [data[at : at + size] for at in range(0, min(len(data), 100 * size), size)]
        best, sent = min(_short(data[-LZ4_WINDOW:], messages) for _ in range(ROUNDS))
        line += f" | {size} B {best * 1e3:.3f} ms, {sent / size:.2f}"
    print(line)


def _short(before: bytes, messages: list[bytes]) -> tuple[float, float]:
    """Seconds and bytes of one message."""
    sender = ZgfxCompressor()
    sender.compress(before)
    start = time.perf_counter()
    sent = sum([len(sender.compress(message)) for message in messages])
    return (time.perf_counter() - start) / len(messages), sent / len(messages)


def main(names: list[str]) -> None:
    for name in names or ["text", "gray text", "console", "desktop", "photo"]:
        data = planar_tiles(name)
        print(f"{name}: {len(data):,} bytes of planar tiles")
        compare_zgfx(data, ZgfxCompressor, "")
        compare_zgfx(data, lambda: ZgfxCompressor(dense_ratio=10), "always")
        repeat_zgfx(data)
        short_zgfx(data)
        for kind in KINDS:
            compare_packets(data, kind)


if __name__ == "__main__":
    main(sys.argv[1:])
