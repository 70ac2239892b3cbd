"""Interleaved RLE one pixel at a time, straight from MS-RDPBCGR 3.1.9: slow, and an oracle.

:func:`random_stream` writes every kind of order, which no encoder we know does.
"""

import random
from collections.abc import Iterator

ORDERS = {
    "background": (0x00, 0x1F, 0xF0),
    "foreground": (0x20, 0x1F, 0xF1),
    "image": (0x40, 0x1F, 0xF2),
    "color run": (0x60, 0x1F, 0xF3),
    "color image": (0x80, 0x1F, 0xF4),
    "set foreground": (0xC0, 0x0F, 0xF6),
    "set image": (0xD0, 0x0F, 0xF7),
    "dithered": (0xE0, 0x0F, 0xF8),
}
SPECIALS = {"mask 3": 0xF9, "mask 5": 0xFA, "white": 0xFD, "black": 0xFE}


def decode(data: bytes, width: int, height: int, bits: int) -> list[int]:
    """The samples, bottom line first. Malformed input raises whatever it raises."""
    size = (bits + 7) // 8
    white = (1 << bits) - 1
    foreground = white
    out: list[int] = []
    insert = False
    first_line = True
    source = iter(data)

    def pixel() -> int:
        return int.from_bytes(bytes(next(source) for _ in range(size)), "little")

    def write(changed: bool) -> None:
        above = 0 if first_line else out[-width]
        out.append(above ^ foreground if changed else above)

    for header in source:
        if first_line and len(out) >= width:
            first_line = insert = False
        name, length = _parse(header, source)
        was_background, insert = insert, name == "background"
        if name.startswith("set"):
            foreground = pixel()
        if name == "background":
            for index in range(length):
                write(changed=was_background and index == 0)
        elif name in ("foreground", "set foreground"):
            for _ in range(length):
                write(changed=True)
        elif name in ("image", "set image"):
            for start in range(0, length, 8):
                mask = next(source)
                for bit in range(min(8, length - start)):
                    write(changed=bool(mask >> bit & 1))
        elif name in ("mask 3", "mask 5"):
            for bit in range(8):
                write(changed=bool((3 if name == "mask 3" else 5) >> bit & 1))
        elif name == "dithered":
            pair = [pixel(), pixel()]
            out += pair * length
        elif name == "color run":
            out += [pixel()] * length
        elif name == "color image":
            out += [pixel() for _ in range(length)]
        else:
            out.append(white if name == "white" else 0)
    assert len(out) == width * height
    return out


def _parse(header: int, source: Iterator[int]) -> tuple[str, int]:
    for name, value in SPECIALS.items():
        if header == value:
            return name, 1
    for name, (regular, mask, mega_mega) in ORDERS.items():
        if header == mega_mega:
            return name, next(source) | next(source) << 8
        if header & ~mask == regular and header < 0xF0:
            short = header & mask
            if name.endswith("image") and name != "color image":
                return name, short * 8 or next(source) + 1
            return name, short or next(source) + mask + 1
    raise ValueError(header)


def random_stream(rng: random.Random, width: int, height: int, bits: int) -> bytes:
    """A valid stream for exactly that many pixels, of random orders in random forms."""
    size = (bits + 7) // 8
    out = bytearray()
    left = width * height
    while left:
        name = rng.choice([*ORDERS, *SPECIALS])
        if name in SPECIALS:
            pixels = 8 if name.startswith("mask") else 1
            if pixels <= left:
                out.append(SPECIALS[name])
                left -= pixels
            continue
        step = 2 if name == "dithered" else 1
        length = min(rng.choice([1, 2, 5, 15, 16, 31, 32, 40, 287, 288, 400]), left // step)
        if not length:
            continue
        out += _header(rng, name, length)
        if name.startswith("set"):
            out += rng.randbytes(size)
        if name in ("image", "set image"):
            out += rng.randbytes((length + 7) // 8)
        elif name in ("color run", "dithered"):
            out += rng.randbytes(size * step)
        elif name == "color image":
            out += rng.randbytes(size * length)
        left -= length * step
    return bytes(out)


def _header(rng: random.Random, name: str, length: int) -> bytes:
    regular, mask, mega_mega = ORDERS[name]
    forms = [bytes([mega_mega, length & 0xFF, length >> 8])]
    if name in ("image", "set image"):
        if length % 8 == 0 and length // 8 <= mask:
            forms.append(bytes([regular | length // 8]))
        if length <= 256:
            forms.append(bytes([regular, length - 1]))
    elif length <= mask:
        forms.append(bytes([regular | length]))
    elif length <= mask + 256:
        forms.append(bytes([regular, length - mask - 1]))
    return rng.choice(forms)
