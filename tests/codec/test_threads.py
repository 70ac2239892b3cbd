"""Encoders in threads: one of its own in each, several at once, and what they say is what they say alone."""

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.screens import SCREENS
from pyrdpmux.codec.table import CODECS, Codec, State, Unit
from pyrdpmux.geometry import Rect

HEIGHT, WIDTH = 128, 192
PARTS = [Rect(0, 0, 64, 64), Rect(64, 0, 64, 128), Rect(128, 64, 64, 64), Rect(0, 64, 16, 16)]
NAMES = ["text", "photo", "desktop", "gradient"]
"""One thread for each: so they want tables and buffers of different sizes at the same time."""
ROUNDS = 2

Pixels = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def _often() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="module")
def frames() -> dict[str, list[Pixels]]:
    """Some of each kind, each moved a little."""
    return {
        name: [np.roll(SCREENS[name](HEIGHT, WIDTH), 7 * number, axis=1) for number in range(ROUNDS)]
        for name in NAMES
    }


def work(codec: Codec, frames: list[Pixels]) -> list[Any]:
    """What a new encoder says of them."""
    made: dict[State, Callable[[], Any]] = {
        State.NONE: lambda: codec,
        State.CLIENT: codec.encode,
        State.SURFACE: lambda: codec.encode(WIDTH, HEIGHT),
    }
    encoder = made[codec.state]()
    result: list[Any] = []
    for number, frame in enumerate(frames):
        if codec.unit is Unit.BYTES:
            size = {"mppc": 6000}.get(codec.name, 12_000)
            result += [encoder.compress(frame.tobytes()[at : at + size]) for at in (0, 500 * number)]
        else:
            result.append(encoder.encode(frame, PARTS))
            result.append(encoder.encode(frame[::-1], PARTS[number % 4 :]))
    return result


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.name)
def test_several_at_once(codec: Codec, frames: dict[str, list[Pixels]]) -> None:
    if not codec.is_available:
        pytest.skip(f"the extra {codec.extra!r} is not installed")
    found: dict[str, list[Any]] = {}
    barrier = threading.Barrier(len(NAMES))

    def run(name: str) -> None:
        barrier.wait()
        found[name] = work(codec, frames[name])

    threads = [threading.Thread(target=run, args=(name,)) for name in NAMES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {name: work(codec, frames[name]) for name in NAMES}
