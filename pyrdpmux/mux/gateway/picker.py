"""The list of VMs that a gateway shows to who has not said which one: drawn by us, used by keys or mouse."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pyrdpmux.codec.color import Pixels
from pyrdpmux.mux.console.return_chord import DESCRIPTION
from pyrdpmux.mux.keyboard.us_layout import PLAIN
from pyrdpmux.mux.picture.font import CELL_HEIGHT, CELL_WIDTH, draw_text
from pyrdpmux.rdp.pdu.input import InputEvent, KeyboardEvent, MouseEvent, PointerFlags, UnicodeEvent

SCALE: Final = 2
ROW_HEIGHT: Final = 16 * SCALE
MARGIN: Final = 12 * SCALE
HEADING_HEIGHT: Final = 3 * ROW_HEIGHT
FOOT_HEIGHT: Final = 3 * ROW_HEIGHT
COLUMN: Final = CELL_WIDTH * SCALE

BACKGROUND: Final = (0x30, 0x24, 0x1C)
SELECTED: Final = (0x80, 0x58, 0x30)
TEXT: Final = (0xF0, 0xF0, 0xF0)
FAINT: Final = (0xB0, 0xA0, 0x98)

HEADING: Final = "Choose a virtual machine"
NOTHING: Final = "There is none for you at the moment; this list follows what comes."
HELP: Final = (
    "Up, Down, first letters: select.  Enter or click: open.",
    f"From there, {DESCRIPTION}: back here.",
)

UP, DOWN, PAGE_UP, PAGE_DOWN, HOME, END, ENTER = 0x48, 0x50, 0x49, 0x51, 0x47, 0x4F, 0x1C


@dataclass(frozen=True, slots=True)
class Entry:
    """A VM in the list."""

    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """A row of the picture: where it is, and what is in it. Equal ones look the same."""

    top: int
    height: int
    what: str | Entry = ""
    is_selected: bool = False


class Picker:
    """The list, what is selected in it, and what of it is in view."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.selected = 0
        self._top = 0
        self._rows = 1

    def show(self, entries: Sequence[Entry]) -> bool:
        """Another list; what is selected stays so by its name. False if nothing has changed."""
        if list(entries) == self.entries:
            return False
        name = self.entries[self.selected].name if self.entries else ""
        self.entries = list(entries)
        names = [entry.name for entry in entries]
        self._select(names.index(name) if name in names else self.selected)
        return True

    def resize(self, height: int) -> None:
        """As many rows as fit."""
        self._rows = max(1, (height - HEADING_HEIGHT - FOOT_HEIGHT) // ROW_HEIGHT)
        self._select(self.selected)

    # -- input -----------------------------------------------------------------------------------

    def take(self, event: InputEvent) -> str | None:
        """The name of the VM that has been chosen by this, if one has."""
        match event:
            case KeyboardEvent() if not event.is_release:
                return self._on_key(event.key_code)
            case UnicodeEvent() if not event.is_release:
                self._jump(chr(event.code))
            case MouseEvent() if event.is_wheel:
                self._select(self.selected - (1 if event.wheel_rotation > 0 else -1))
            case MouseEvent():
                return self._on_mouse(event)
        return None

    def _on_key(self, code: int) -> str | None:
        """The keypad counts as arrows, whatever Num Lock says."""
        if code == ENTER:
            return self.entries[self.selected].name if self.entries else None
        steps = {UP: -1, DOWN: 1, PAGE_UP: -self._rows, PAGE_DOWN: self._rows, HOME: -(10**6), END: 10**6}
        if code in steps:
            self._select(self.selected + steps[code])
        else:
            self._jump(PLAIN.get(code, ""))
        return None

    def _on_mouse(self, event: MouseEvent) -> str | None:
        index = self._top + (event.y - HEADING_HEIGHT) // ROW_HEIGHT
        is_inside = HEADING_HEIGHT <= event.y < HEADING_HEIGHT + self._rows * ROW_HEIGHT
        if not is_inside or index >= len(self.entries):
            return None
        self._select(index)
        pressed = event.flags & PointerFlags.BUTTON1 and event.flags & PointerFlags.DOWN
        return self.entries[index].name if pressed else None

    def _jump(self, character: str) -> None:
        """To the next one that begins with it."""
        count = len(self.entries)
        for step in range(1, count + 1):
            index = (self.selected + step) % count
            if character and self.entries[index].name.casefold().startswith(character.casefold()):
                self._select(index)
                return

    def _select(self, index: int) -> None:
        self.selected = max(0, min(index, len(self.entries) - 1))
        lowest = max(0, self.selected - self._rows + 1)
        self._top = max(lowest, min(self._top, self.selected))

    # -- drawing ---------------------------------------------------------------------------------

    def strips(self, height: int) -> Iterator[Strip]:
        """What it looks like now on a picture of this height: from the top to the bottom, without a gap."""
        foot = max(height - len(HELP) * ROW_HEIGHT, 0)
        rows = self._lines()
        for top in range(0, foot, ROW_HEIGHT):
            what, is_selected = next(rows, ("", False))
            yield Strip(top, min(ROW_HEIGHT, foot - top), what, is_selected)
        for number, text in enumerate(HELP):
            top = foot + number * ROW_HEIGHT
            if top < height:
                yield Strip(top, min(ROW_HEIGHT, height - top), text)

    def _lines(self) -> Iterator[tuple[str | Entry, bool]]:
        """What stands in each row, and whether it is what is selected."""
        visible = self.entries[self._top : self._top + self._rows]
        hidden = len(self.entries) - len(visible)
        count = f"  ({self.selected + 1} of {len(self.entries)})" if hidden else ""
        yield from (("", False), (HEADING + count, False), ("", False))
        for number, entry in enumerate(visible, self._top):
            yield entry, number == self.selected
        if not self.entries:
            yield NOTHING, False


def draw(strip: Strip, width: int) -> Pixels:
    """The pixels of a strip: (its height, ``width``, 4)."""
    picture: Pixels = np.zeros((strip.height, width, 4), np.uint8)
    picture[..., :3] = BACKGROUND
    if strip.is_selected:
        picture[:, MARGIN // 2 : -MARGIN // 2, :3] = SELECTED
    top = (ROW_HEIGHT - CELL_HEIGHT * SCALE) // 2
    if isinstance(strip.what, Entry):
        name, detail = strip.what.name, strip.what.detail
        draw_text(picture, MARGIN, top, name, TEXT, SCALE)
        left = max(MARGIN + (len(name) + 2) * COLUMN, width // 2)
        draw_text(picture, left, top, detail, TEXT if strip.is_selected else FAINT, SCALE)
    else:
        color = TEXT if strip.what.startswith(HEADING) else FAINT
        draw_text(picture, MARGIN, top, strip.what, color, SCALE)
    return picture
