"""Which keys and buttons somebody holds down, so that they can be let go when that somebody leaves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from pyrdpmux.mux.backend import Button, CharacterSink, InputSink

MAX_HELD: Final = 64
"""Per viewer. Nobody has more fingers; it bounds what a hostile client can make us remember."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the keyboard, by its scancode and prefix."""

    scancode: int
    extended: bool = False
    extended1: bool = False

    def send(self, sink: InputSink, down: bool, x: int, y: int) -> None:
        sink.key(self.scancode, extended=self.extended, extended1=self.extended1, down=down)


@dataclass(frozen=True, slots=True)
class Character:
    """A UTF-16 code unit typed as such."""

    code: int

    def send(self, sink: InputSink, down: bool, x: int, y: int) -> None:
        if isinstance(sink, CharacterSink):
            sink.unicode(self.code, down=down)


@dataclass(frozen=True, slots=True)
class PointerButton:
    """A button of the pointer."""

    button: Button

    def send(self, sink: InputSink, down: bool, x: int, y: int) -> None:
        sink.button(self.button, down=down, x=x, y=y)


Holdable: TypeAlias = Key | Character | PointerButton


class HeldInputs:
    """What one viewer holds, in the order it was pressed, and where its pointer is."""

    def __init__(self) -> None:
        self.x = 0
        self.y = 0
        self.has_position = False
        self._held: dict[Holdable, None] = {}

    def __iter__(self) -> Iterator[Holdable]:
        return iter(tuple(self._held))

    def __contains__(self, item: Holdable) -> bool:
        return item in self._held

    def __len__(self) -> int:
        return len(self._held)

    def press(self, item: Holdable) -> bool:
        """False if there is no room for yet another."""
        if item not in self._held and len(self._held) >= MAX_HELD:
            return False
        self._held[item] = None
        return True

    def release(self, item: Holdable) -> None:
        self._held.pop(item, None)

    def clear(self) -> None:
        self._held.clear()
