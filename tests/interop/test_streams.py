"""The pipeline of a VM in xfreerdp's windows, with and without H.264: moving, shared, late, slow and resized.

A window is compared with the VM's screen pixel by pixel, when it rests.
"""

import os
import signal
import time
from typing import Any, Final

import numpy as np
import pytest

from pyrdpmux.codec.extras import H264, is_installed
from pyrdpmux.graphics.commands import BoxFrame, Copy, Lossy, Restore
from pyrdpmux.mux.console.viewer_picture import ViewerPicture
from tests.interop.client import Client, xfreerdp
from tests.interop.conftest import Start
from tests.interop.console import Bgrx, Console
from tests.interop.drawings import page, photo

WIDTH, HEIGHT = SIZE = (800, 600)
GFX: Final = [pytest.param("/gfx:AVC444", id="H.264"), pytest.param("/gfx", id="progressive")]

FRAME: Final = 1 / 30
KEPT: Final = 1.0
"""Seconds of rest, after which clients have been told to keep what they show."""

STALLED: Final = 4.0
"""Seconds: some hundred frames."""


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> set[type]:
    """What viewers were sent, by kind."""
    kinds: set[type] = set()
    send = ViewerPicture.send_at_once

    def noted(self: ViewerPicture, frame: Any) -> bool:
        kinds.update(type(command) for command in frame.commands)
        return send(self, frame)

    monkeypatch.setattr(ViewerPicture, "send_at_once", noted)
    return kinds


def look(start: Start, console: Console, option: str, *options: str) -> Client:
    return start(xfreerdp(console.port, "tls", 32, option, f"/size:{WIDTH}x{HEIGHT}", *options))


def expect(console: Console, *clients: Client) -> None:
    wanted = console.picture[..., 2::-1]
    for client in clients:
        client.wait_for_picture(wanted)


def frames(seed: int, count: int = 20) -> list[Bgrx]:
    """A video of noise that moves."""
    scene = photo(400, 300, seed)
    return [np.roll(scene, (2 * number, 3 * number), (0, 1)) for number in range(count)]


def play(console: Console, pictures: list[Bgrx], x: int, y: int) -> None:
    for picture in pictures:
        console.paint(picture, x, y)
        time.sleep(FRAME)


@pytest.mark.parametrize("option", GFX)
def test_what_moves_is_exact_when_it_rests(
    console: Console, start: Start, commands: set[type], option: str
) -> None:
    text, window, ground = page(WIDTH, HEIGHT + 640), photo(300, 200, 7), photo(*SIZE, 8)
    console.paint(text[:HEIGHT])
    client = look(start, console, option)
    expect(console, client)
    time.sleep(KEPT)
    for top in range(16, 640, 16):
        console.paint(text[top : top + HEIGHT])
        time.sleep(FRAME)
    expect(console, client)
    for step in range(30):
        frame = ground.copy()
        frame[20 + 5 * step : 220 + 5 * step, 30 + 9 * step : 330 + 9 * step] = window
        console.paint(frame)
        time.sleep(FRAME)
    expect(console, client)
    play(console, frames(9), 64, 48)
    expect(console, client)
    console.paint(text[:HEIGHT])
    expect(console, client)
    assert {Copy, Restore} <= commands
    assert (BoxFrame if is_installed(H264) and option != "/gfx" else Lossy) in commands


@pytest.mark.parametrize("option", GFX)
def test_who_comes_late_sees_the_same_and_disturbs_nobody(
    console: Console, start: Start, option: str
) -> None:
    console.paint(page(*SIZE))
    first = look(start, console, option)
    expect(console, first)
    play(console, frames(1), 100, 80)
    late = look(start, console, option)
    console.wait_for_viewers(2)
    play(console, frames(2, 60), 100, 80)
    expect(console, first, late)
    console.paint(page(*SIZE, 5)[:300], 0, 300)
    expect(console, first, late)
    first.program.stop()
    console.wait_for_viewers(1)
    play(console, frames(3), 10, 10)
    expect(console, late)


def test_who_does_not_read_falls_behind_alone_and_comes_back(console: Console, start: Start) -> None:
    console.paint(page(*SIZE))
    slow, other = look(start, console, "/gfx:AVC444"), look(start, console, "/gfx:AVC444")
    expect(console, slow, other)
    os.kill(slow.program.pid, signal.SIGSTOP)
    try:
        until = time.monotonic() + STALLED
        while time.monotonic() < until:
            play(console, frames(4), 200, 100)
        expect(console, other)
    finally:
        os.kill(slow.program.pid, signal.SIGCONT)
    expect(console, slow)
    play(console, frames(5), 50, 50)
    expect(console, slow, other)


@pytest.mark.parametrize("option", GFX)
def test_another_resolution_in_the_midst_of_a_video(console: Console, start: Start, option: str) -> None:
    console.paint(page(*SIZE))
    client = look(start, console, option)
    expect(console, client)
    play(console, frames(6), 100, 80)
    console.switch(640, 480)
    play(console, frames(7), 100, 80)
    expect(console, client)
    console.switch(1000, 700)
    console.paint(photo(1000, 700, 2))
    play(console, frames(8), 550, 380)
    expect(console, client)
