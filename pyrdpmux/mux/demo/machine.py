"""The demo VM without its wires: input in, picture out, time handed in."""

from collections import deque
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pyrdpmux.codec.color import Pixels
from pyrdpmux.geometry import Rect, Region
from pyrdpmux.mux.backend import Button
from pyrdpmux.mux.demo.card import TestCard, draw_ramps
from pyrdpmux.mux.demo.keyboard import Keyboard, Named
from pyrdpmux.mux.demo.paint import (
    AMBER,
    GRAY,
    GREEN,
    NIGHT,
    RED,
    SLATE,
    WHITE,
    Words,
    cell_size,
    draw_line,
    fill,
)
from pyrdpmux.mux.demo.terminal import Terminal
from pyrdpmux.mux.demo.windows import Log, Video
from pyrdpmux.mux.guest import GuestInput
from pyrdpmux.mux.picture.pixel_format import PixelCode

FRAME_SECONDS: Final = 1 / 30
BLINK_FRAMES: Final = 15
TRAIL_LENGTH: Final = 24
TRAIL_FRAMES: Final = 30
"""How long a dot of the pointer's trail stays."""

DOT: Final = 6
NOTCH: Final = 120
ROWS_PER_NOTCH: Final = 3

WELCOME: Final = """\
This is the demo VM of pyrdpmux.

Type something. Ctrl+L clears.
The wheel and Page Up look back.

F1  640x480     F2  800x600     F3  1024x768
F4  1280x720    F5  1920x1080
F6  32 bit      F7  24 bit
F8  16 bit      F9  15 bit
F10 pauses      F12 restarts the VM

"""
PROMPT: Final = "> "


@dataclass(frozen=True, slots=True)
class Mode:
    """What the VM's display is switched to."""

    width: int
    height: int
    code: PixelCode

    @property
    def text_scale(self) -> int:
        return 2 if self.width >= 800 else 1


SIZES: Final = {
    Named.F1: (640, 480),
    Named.F2: (800, 600),
    Named.F3: (1024, 768),
    Named.F4: (1280, 720),
    Named.F5: (1920, 1080),
}
MIN_SIZE: Final = (320, 200)
MAX_SIZE: Final = (3840, 2160)
CODES: Final = {
    Named.F6: PixelCode.X8R8G8B8,
    Named.F7: PixelCode.R8G8B8,
    Named.F8: PixelCode.R5G6B5,
    Named.F9: PixelCode.X1R5G5B5,
}
FIRST_MODE: Final = Mode(1024, 768, PixelCode.X8R8G8B8)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things are: a console and a log on the left, things to look at on the right, a line above and
    below."""

    mode: Mode

    @property
    def bar(self) -> int:
        return cell_size(self.mode.text_scale)[1] + 4

    @property
    def panel(self) -> Rect:
        width = self.mode.width // 4
        return Rect(self.mode.width - width, self.bar, width, self.mode.height - 2 * self.bar)

    @property
    def card(self) -> Rect:
        return Rect(self.panel.x, self.panel.y, self.panel.width, self.panel.height * 2 // 5)

    @property
    def buttons(self) -> Rect:
        return Rect(self.panel.x, self.card.bottom, self.panel.width, 2 * self.bar)

    @property
    def ramps(self) -> Rect:
        return Rect(self.panel.x, self.buttons.bottom, self.panel.width, 2 * self.bar)

    @property
    def video(self) -> Rect:
        return Rect.from_corners(self.panel.x, self.ramps.bottom, self.panel.right, self.panel.bottom)

    @property
    def console(self) -> Rect:
        margin = cell_size(self.mode.text_scale)[0]
        return Rect(margin, self.bar, self.panel.x - 2 * margin, self.panel.height * 2 // 3)

    @property
    def log(self) -> Rect:
        console = self.console
        return Rect.from_corners(console.x, console.bottom, console.right, self.panel.bottom)


class Machine(GuestInput):
    """Keyboard, terminal, pointer, and the picture of them all."""

    def __init__(self, *, is_busy: bool = True) -> None:
        """``is_busy``: its video plays and its log scrolls."""
        self._is_busy = is_busy
        self.mode = FIRST_MODE
        self.paused = False
        self.restart_wanted = False
        self.terminal = Terminal()
        self.terminal.write(WELCOME)
        self.terminal.prompt(PROMPT)
        self.frame = 0
        self.position = (0, 0)
        self.pressed: set[Button] = set()
        self.rolled = 0
        self.last_event = "no key yet"
        self._keyboard = Keyboard()
        self._trail: deque[tuple[int, int, int]] = deque(maxlen=TRAIL_LENGTH)
        self._wheel_rest = 0
        self.attach(np.zeros((self.mode.height, self.mode.width, 4), np.uint8))

    # -- input -----------------------------------------------------------------------------------

    def key(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> None:
        prefix = "E1 " if extended1 else "E0 " if extended else ""
        self.last_event = f"key {prefix}{scancode:02X} {'down' if down else 'up'}"
        match self._keyboard.key(scancode, extended, down):
            case None:
                pass
            case str(char):
                self.terminal.write(char)
            case Named.ENTER:
                self.terminal.write("\n")
                self.terminal.prompt(PROMPT)
            case Named.BACKSPACE:
                self.terminal.backspace()
            case Named.CLEAR:
                self.terminal.clear()
            case Named.PAGE_UP:
                self.terminal.scroll(self._rows)
            case Named.PAGE_DOWN:
                self.terminal.scroll(-self._rows)
            case named:
                self._function_key(named)

    def _function_key(self, key: Named) -> None:
        if key in SIZES:
            width, height = SIZES[key]
            self.mode = replace(self.mode, width=width, height=height)
        elif key in CODES:
            self.mode = replace(self.mode, code=CODES[key])
        elif key is Named.F10:
            self.paused = not self.paused
        elif key is Named.F12:
            self.restart_wanted = True

    def request_size(self, width: int, height: int, scale: int = 100) -> None:
        """A mode of the nearest size that there is room for a terminal in; text grows by itself."""
        width = min(max(width, MIN_SIZE[0]), MAX_SIZE[0])
        height = min(max(height, MIN_SIZE[1]), MAX_SIZE[1])
        self.mode = replace(self.mode, width=width, height=height)

    def pointer(self, x: int, y: int) -> None:
        self.position = (x, y)
        self._trail.append((x, y, self.frame))

    def button(self, button: Button, *, down: bool, x: int, y: int) -> None:
        self.position = (x, y)
        (self.pressed.add if down else self.pressed.discard)(button)

    def wheel(self, rotation: int, *, horizontal: bool, x: int, y: int) -> None:
        self.rolled += rotation
        if not horizontal:
            notches, self._wheel_rest = divmod(self._wheel_rest + rotation, NOTCH)
            self.terminal.scroll(notches * ROWS_PER_NOTCH)

    # -- output ----------------------------------------------------------------------------------

    def attach(self, pixels: Pixels) -> None:
        """From now on the picture is this, of the size of the mode and not painted yet."""
        self._layout = _Layout(self.mode)
        self._target: Words = pixels.view(np.uint32)[:, :, 0]
        self._base: Words = np.zeros_like(self._target)
        self._dots: list[Rect] = []
        self._shown_rows: list[str] = []
        self._shown_cursor: tuple[int, int] | None = None
        self._shown_lines: dict[int, str] = {}
        self._shown_buttons: object = None
        self._shown_frame = -1
        fill(self._base, Rect(0, 0, self.mode.width, self.mode.height), NIGHT)
        draw_ramps(self._base, self._layout.ramps)
        self._card = TestCard(self._base, self._layout.card, self.mode.text_scale)
        self._video = Video(self._base, self._layout.video)
        self._log = Log(self._base, self._layout.log, self.mode.text_scale, self.frame)
        self._everything = True

    def tick(self) -> None:
        """One frame further, unless paused."""
        if not self.paused:
            self.frame += 1

    def paint(self) -> list[Rect]:
        """Bring the picture up to date; returns what changed, disjoint."""
        damage = Region()
        damage.add_all(self._paint_terminal())
        damage.add_all(self._paint_bars())
        damage.add_all(self._paint_buttons())
        if self._shown_frame != self.frame:
            self._shown_frame = self.frame
            damage.add_all(self._card.paint(self.frame, self.frame * FRAME_SECONDS))
            if self._is_busy:
                damage.add_all(self._video.paint(self.frame))
                damage.add_all(self._log.paint(self.frame))
        self._move_trail(damage)
        if self._everything:
            self._everything = False
            damage.add(Rect(0, 0, self.mode.width, self.mode.height))
        damage.clip(self.mode.width, self.mode.height)
        for rect in damage:
            part = np.s_[rect.y : rect.bottom, rect.x : rect.right]
            self._target[part] = self._base[part]
        for dot in self._dots:
            fill(self._target, dot, AMBER)
        return list(damage)

    @property
    def _rows(self) -> int:
        return self._layout.console.height // cell_size(self.mode.text_scale)[1]

    def _paint_terminal(self) -> list[Rect]:
        scale, area = self.mode.text_scale, self._layout.console
        width, height = cell_size(scale)
        rows, cursor = self.terminal.screen(area.width // width, self._rows)
        if self.frame // BLINK_FRAMES % 2 and not self.paused:
            cursor = None
        changed = [
            number for number, row in enumerate(rows) if self._shown_rows[number : number + 1] != [row]
        ]
        if cursor != self._shown_cursor:
            changed += [place[1] for place in (cursor, self._shown_cursor) if place is not None]
        self._shown_rows, self._shown_cursor = rows, cursor
        damage = []
        for number in dict.fromkeys(changed):
            y = area.y + number * height
            damage.append(draw_line(self._base, area.x, y, rows[number], GREEN, NIGHT, scale))
            if cursor is not None and cursor[1] == number:
                fill(self._base, Rect(area.x + cursor[0] * width, y, width, height), GREEN)
        return damage

    def _paint_bars(self) -> list[Rect]:
        state = "paused" if self.paused else "running"
        top = f" pyrdpmux demo  {self.mode.width}x{self.mode.height} {self.mode.code.name.lower()}  {state}"
        x, y = self.position
        bottom = f" {self.last_event}   pointer {x},{y}   wheel {self.rolled}"
        damage = []
        for place, text in ((0, top), (self.mode.height - self._layout.bar, bottom)):
            if self._shown_lines.get(place) != text:
                self._shown_lines[place] = text
                bar = fill(self._base, Rect(0, place, self.mode.width, self._layout.bar), SLATE)
                draw_line(self._base, 0, place + 2, text, WHITE, SLATE, self.mode.text_scale)
                damage.append(bar)
        return damage

    def _paint_buttons(self) -> list[Rect]:
        area = self._layout.buttons
        if self._shown_buttons == self.pressed:
            return []
        self._shown_buttons = set(self.pressed)
        third = area.width // 3
        for number, button in enumerate((Button.LEFT, Button.MIDDLE, Button.RIGHT)):
            box = Rect(area.x + number * third + 4, area.y + 4, third - 8, area.height - 8)
            fill(self._base, box, RED if button in self.pressed else GRAY)
        return [area]

    def _move_trail(self, damage: Region) -> None:
        """Old dots go, new ones come; what they cover is part of the damage."""
        while self._trail and not self.paused and self.frame - self._trail[0][2] > TRAIL_FRAMES:
            self._trail.popleft()
        dots = [Rect(x - DOT // 2, y - DOT // 2, DOT, DOT) for x, y, _ in self._trail]
        if dots != self._dots:
            damage.add_all(self._dots)
            damage.add_all(dots)
            self._dots = dots
