"""The text of the demo's console: lines that wrap, a cursor at the end, and what has scrolled away."""

from collections import deque
from typing import Final

MAX_LINES: Final = 1000
MAX_LINE: Final = 2000
TAB: Final = 4


class Terminal:
    """An endless sheet of paper that only its last line can be written on."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque([""], MAX_LINES)
        self._protected = 0
        self._scrolled = 0

    @property
    def line(self) -> str:
        """The one being written, without its prompt."""
        return self._lines[-1][self._protected :]

    def write(self, text: str) -> None:
        """Text and newlines."""
        self._scrolled = 0
        for char in text:
            if char == "\n":
                self._lines.append("")
                self._protected = 0
            elif len(self._lines[-1]) < MAX_LINE:
                last = self._lines[-1]
                self._lines[-1] = last + (" " * (TAB - len(last) % TAB) if char == "\t" else char)

    def prompt(self, text: str) -> None:
        """What backspace does not reach."""
        self.write(text)
        self._protected = len(self._lines[-1])

    def backspace(self) -> None:
        self._scrolled = 0
        if len(self._lines[-1]) > self._protected:
            self._lines[-1] = self._lines[-1][:-1]

    def clear(self) -> None:
        last = self._lines[-1]
        self._lines.clear()
        self._lines.append(last)
        self._scrolled = 0

    def scroll(self, rows: int) -> None:
        """Look further up; negative: back down."""
        self._scrolled = max(0, min(self._scrolled + rows, MAX_LINES))

    def screen(self, columns: int, rows: int) -> tuple[list[str], tuple[int, int] | None]:
        """The rows to be seen, each that many columns wide, and the cursor's (column, row) if visible."""
        wrapped = [
            line[start : start + columns].ljust(columns)
            for line in self._lines
            for start in range(0, len(line) + 1, columns)
        ]
        cursor_row = len(wrapped) - 1
        cursor_column = len(self._lines[-1]) % columns
        self._scrolled = min(self._scrolled, max(0, len(wrapped) - rows))
        top = max(0, len(wrapped) - rows - self._scrolled)
        visible = wrapped[top : top + rows]
        visible += [" " * columns] * (rows - len(visible))
        cursor = (cursor_column, cursor_row - top) if cursor_row - top < rows else None
        return visible, cursor
