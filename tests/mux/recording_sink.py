"""An InputSink that writes down what it is told, one short text per call."""

from pyrdpmux.mux.backend import Button


class RecordingSink:
    def __init__(self) -> None:
        self.told: list[str] = []

    def take(self) -> list[str]:
        told, self.told = self.told, []
        return told

    def key(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> None:
        prefix = "e0 " * extended + "e1 " * extended1
        self.told.append(f"{prefix}{scancode:02x} {_state(down)}")

    def pointer(self, x: int, y: int) -> None:
        self.told.append(f"to {x},{y}")

    def button(self, button: Button, *, down: bool, x: int, y: int) -> None:
        self.told.append(f"{button.name} {_state(down)} {x},{y}")

    def wheel(self, rotation: int, *, horizontal: bool, x: int, y: int) -> None:
        self.told.append(f"{'h' if horizontal else ''}wheel {rotation} {x},{y}")

    def relative(self, dx: int, dy: int) -> None:
        self.told.append(f"by {dx},{dy}")

    def synchronize(self, toggle_flags: int) -> None:
        self.told.append(f"locks {toggle_flags}")


class CharacterSink(RecordingSink):
    """Of a VM that takes characters."""

    takes_characters = True

    def unicode(self, code: int, *, down: bool) -> None:
        self.told.append(f"u{code:04x} {_state(down)}")


def _state(down: bool) -> str:
    return "down" if down else "up"
