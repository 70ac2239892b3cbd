"""Time and size of ClearCodec: ``python -m bench.clear [screen ...]``.

libfreerdp's ClearCodec encoder is empty, so there is nothing to compare with but its decoder. A page is
1920x1080, cold for a client that has seen nothing, warm for one that has seen another page of the kind
(the same font, other words or another order of lines). Bytes are given before and after ZGFX, which is
what travels, and planar's besides. Times are the least of several rounds, in milliseconds.
"""

import sys
from collections.abc import Callable
from functools import partial

import numpy as np

from bench.codec import HEIGHT, WIDTH, least
from bench.screens import CELL_HEIGHT, SCREENS, Pixels
from pyrdpmux.codec import planar
from pyrdpmux.codec.bulk.zgfx import ZgfxCompressor
from pyrdpmux.codec.clear.decoder import Decoder
from pyrdpmux.codec.clear.encoder import Encoder
from tests.codec.reference import libfreerdp, libfreerdp_clear

ROUNDS = 7
STRIP = 18


def document(seed: int = 6, *, subpixels: bool = False, height: int = HEIGHT, width: int = WIDTH) -> Pixels:
    """A page of prose in Pillow's own proportional font; with ``subpixels``, as ClearType has it."""
    from PIL import Image, ImageDraw, ImageFont

    rng = np.random.default_rng(seed)
    letters = list("abcdefghijklmnopqrstuvwxyz" + "etaoinshr" * 6)
    vocabulary = ["".join(rng.choice(letters, rng.integers(2, 10))) for _ in range(400)]
    scale = 3 if subpixels else 1
    image = Image.new("L", (width * scale, height), 255)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(15)
    for y in range(20, height - 30, 22):
        words = " ".join(rng.choice(vocabulary, 17)).capitalize()
        if rng.random() < 0.12:  # the last line of a paragraph
            words = words[: len(words) // 3] + "."
        if not subpixels:
            draw.text((100, y), words, 0, font)
            continue
        line = Image.new("L", (width, 22), 255)
        ImageDraw.Draw(line).text((100, 0), words, 0, font)
        image.paste(line.resize((width * 3, 22), Image.Resampling.BILINEAR), (0, y))
    gray = np.asarray(image)
    result = np.full((height, width, 4), 255, np.uint8)
    for channel in range(3):
        result[..., 2 - channel] = gray[:, channel::3] if subpixels else gray
    return result


def screen(name: str, seed: int = 0) -> Pixels:
    """One of bench.screens, or its lines in another order."""
    page = SCREENS[name](HEIGHT, WIDTH)
    whole = HEIGHT // CELL_HEIGHT * CELL_HEIGHT
    lines = page[:whole].reshape(-1, CELL_HEIGHT, WIDTH, 4)
    if seed:
        lines[...] = lines[np.random.default_rng(seed).permutation(len(lines))]
    return page


PAGES: dict[str, Callable[..., Pixels]] = {
    "document": document,
    "cleartype": partial(document, subpixels=True),
    **{name: partial(screen, name) for name in ("text", "gray text", "console", "desktop", "photo")},
}
"""Functions of a seed: the same font, other words."""


def zgfx_size(*messages: bytes) -> int:
    """Bytes of the last message behind the others."""
    compressor = ZgfxCompressor()
    return [len(compressor.compress(message)) for message in messages][-1]


def cold(pixels: Pixels) -> bytes:
    """The first message of a session."""
    return Encoder().encode_tiles([pixels])[0]


def measure(name: str, page: Pixels, other: Pixels) -> None:
    encoder = Encoder()
    first = encoder.encode_tiles([page])[0]
    sent, hits = encoder.counts
    second = encoder.encode_tiles([other])[0]
    warm_sent, warm_hits = (
        after - before for after, before in zip(encoder.counts, (sent, hits), strict=True)
    )
    decode = partial(lambda: Decoder().decode(first, WIDTH, HEIGHT))
    cold_time, warm_time, decode_time = least(
        partial(cold, page), partial(encoder.encode_tiles, [page]), decode, rounds=ROUNDS
    )
    print(f"{name}: planar {len(planar.encode_tiles([page])[0]):,} bytes")
    print(
        f"  page cold {cold_time:6.1f} ms {len(first):9,} bytes, {zgfx_size(first):9,} after ZGFX,"
        f" hits {hits / max(1, sent):.3f}"
    )
    print(
        f"  page warm {warm_time:6.1f} ms {len(second):9,} bytes, {zgfx_size(first, second):9,} after ZGFX,"
        f" hits {warm_hits / max(1, warm_sent):.3f}"
    )
    theirs = ""
    if libfreerdp.library() is not None:
        theirs = f", libfreerdp {least(partial(their_decode, first), rounds=ROUNDS)[0]:.1f} ms"
    print(f"  decode    {decode_time:6.1f} ms{theirs}")
    strip = page[CELL_HEIGHT * 7 - 1 : CELL_HEIGHT * 7 - 1 + STRIP]
    cold_time, warm_time = least(
        partial(cold, strip), partial(encoder.encode_tiles, [strip]), rounds=ROUNDS * 10
    )
    size = len(encoder.encode_tiles([strip])[0])
    print(
        f"  strip {WIDTH}x{STRIP} cold {cold_time:.2f} ms {len(cold(strip)):,} bytes,"
        f" warm {warm_time:.2f} ms {size:,} bytes"
    )
    glyph = page[CELL_HEIGHT * 7 - 1 :, 80:88][:STRIP]
    (glyph_time,) = least(partial(cold, glyph), rounds=ROUNDS * 10)
    print(f"  glyph 8x{STRIP} {glyph_time:.3f} ms {len(cold(glyph))} bytes, again 4 bytes")


def their_decode(message: bytes) -> None:
    libfreerdp_clear.Decoder().decode(message, WIDTH, HEIGHT)


def main(names: list[str]) -> None:
    for name in names or list(PAGES):
        measure(name, PAGES[name](), PAGES[name](1))


if __name__ == "__main__":
    main(sys.argv[1:])
