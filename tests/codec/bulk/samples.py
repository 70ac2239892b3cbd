"""Data for the bulk compressors' tests: packets of several kinds, in sequence; hostile variants; vectors."""

import random
from functools import cache
from pathlib import Path

import pytest
from hypothesis import strategies as st

from pyrdpmux.codec import planar
from tests.codec import pictures
from tests.codec.reference.libfreerdp import library

VECTORS = Path(__file__).parents[4] / "shared/vectors/freerdp/c-arrays"
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason=f"{VECTORS} is absent")
needs_libfreerdp = pytest.mark.skipif(library() is None, reason="libfreerdp2 is not installed")

BELLS = b"for.whom.the.bell.tolls,.the.bell.tolls.for.thee!"


def vector(name: str) -> bytes:
    return (VECTORS / f"TestFreeRDPCodec{name}.bin").read_bytes()


@cache
def screen(name: str, count: int = 16) -> bytes:
    """Planar tiles of a screen."""
    return b"".join(planar.encode_tiles(pictures.screen_tiles(name, count)))


def words(size: int, seed: int) -> bytes:
    """Like text: few symbols, many repetitions of several lengths."""
    rng = random.Random(seed)
    vocabulary = [bytes(rng.choices(range(97, 123), k=rng.randrange(2, 40))) for _ in range(60)]
    result = b""
    while len(result) < size:
        result += rng.choice(vocabulary) + b" "
    return result[:size]


KINDS = ("words", "zeros", "few", "random", "period", "empty")


def packet(kind: str, size: int, seed: int) -> bytes:
    rng = random.Random(seed)
    match kind:
        case "words":
            return words(size, seed)
        case "zeros":
            return bytes(size)
        case "few":
            return bytes(rng.choices(rng.randbytes(3), k=size))
        case "random":
            return rng.randbytes(size)
        case "period":
            part = rng.randbytes(rng.randrange(1, 9))
            return (part * (size // len(part) + 1))[:size]
        case _:
            return b""


@st.composite
def packets(draw: st.DrawFn, max_size: int) -> list[bytes]:
    """A sequence: new ones, and parts of what came before."""
    result: list[bytes] = []
    sizes = st.integers(0, 200) | st.integers(0, max_size) | st.just(max_size)
    for _ in range(draw(st.integers(1, 8))):
        size, seed = draw(sizes), draw(st.integers(0, 3))
        again: bool = draw(st.booleans())
        if result and again:
            old = b"".join(result)
            at: int = draw(st.integers(0, len(old)))
            result.append((old[at : at + size] + packet("few", 20, seed))[:max_size])
        else:
            result.append(packet(draw(st.sampled_from(KINDS)), size, seed))
    return result


def long_session(max_size: int, seed: int, count: int) -> list[bytes]:
    """Enough to go round a history several times."""
    rng = random.Random(seed)
    result = []
    for number in range(count):
        size = rng.choice([1, 3, 13, 100, 1000, max_size // 4, max_size // 2, max_size])
        result.append(packet(rng.choice(KINDS[:-1] + ("words",) * 4), rng.randrange(1, size + 1), number % 7))
    return result
