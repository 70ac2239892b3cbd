# ruff: noqa: RUF001 (characters that look alike are what this is about)
"""A keyboard layout: which keys to press, with which modifiers and after which dead keys, for a character."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

#: key numbers of the four rows of character keys, from left to right
DIGITS: Final = (0x29, *range(0x02, 0x0E))
UPPER: Final = tuple(range(0x10, 0x1C))
HOME: Final = (*range(0x1E, 0x29), 0x2B)
LOWER: Final = (0x56, *range(0x2C, 0x36))
ROWS: Final = (DIGITS, UPPER, HOME, LOWER)

SPACE: Final = 0x39

#: keys that are where they are on every keyboard
COMMON: Final = {" ": SPACE, "\n": 0x1C, "\r": 0x1C, "\t": 0x0F, "\b": 0x0E, "\x1b": 0x01}

#: what a dead key gives with the space bar, where Unicode does not say so by itself
SPACING: Final = {"\u0300": "`", "\u0301": "´", "\u0302": "^", "\u0303": "~", "\u0308": "¨", "\u0327": "¸"}

#: What phones and word processors make of plain characters, for layouts that have no such keys.
PLAINER: Final = {
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "‹": "'", "›": "'", "«": '"', "»": '"',
    "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "…": "...", "\xa0": " ", "\u202f": " ", "•": "*",
    "´": "'", "×": "x",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stroke:
    """One key with its modifiers."""

    number: int
    shift: bool = False
    alt_gr: bool = False


Strokes: TypeAlias = tuple[Stroke, ...]
Level: TypeAlias = Sequence[str]
"""The characters of the four rows, a string each. A space is no character, a combining accent a dead key."""


class Layout:
    """Built from what is printed on the keys: alone, with Shift, with AltGr, and with both."""

    def __init__(
        self,
        plain: Level,
        shift: Level,
        alt_gr: Level = (),
        shift_alt_gr: Level = (),
        *,
        more: Mapping[int, str] | None = None,
        spacing: Mapping[str, str] = SPACING,
    ) -> None:
        """``more``: other keys, each with its characters of the levels in order.

        ``spacing``: what a dead key gives together with the space bar.
        """
        self._accents = {char: accent for accent, char in spacing.items()}
        #: of each character that is printed on a key, and of dead keys
        self.strokes: dict[str, Stroke] = {}
        for index, level in enumerate((plain, shift, alt_gr, shift_alt_gr)):
            has_shift, has_alt_gr = bool(index & 1), bool(index & 2)
            for number, char in _characters(level):
                self._add(char, Stroke(number, has_shift, has_alt_gr))
            for number, chars in (more or {}).items():
                self._add(chars[index : index + 1], Stroke(number, has_shift, has_alt_gr))
        for char, number in COMMON.items():
            self.strokes[char] = Stroke(number)

    def _add(self, char: str, stroke: Stroke) -> None:
        """The first place of a character is its best: the levels come in order of trouble."""
        if char.strip():
            self.strokes.setdefault(char, stroke)

    def strokes_for(self, char: str) -> Strokes:
        """Empty if this keyboard cannot type it, nor anything that means the same."""
        if strokes := self._exact(char):
            return strokes
        plainer = [self._exact(part) for part in PLAINER.get(char, "")]
        return tuple([stroke for strokes in plainer for stroke in strokes]) if all(plainer) else ()

    def _exact(self, char: str) -> Strokes:
        if unicodedata.combining(char):
            return ()
        if char in self.strokes:
            return (self.strokes[char],)
        accent = self._accents.get(char, "")
        if accent in self.strokes:
            return self.strokes[accent], self.strokes[" "]
        return self._composed(char)

    def _composed(self, char: str) -> Strokes:
        """An accent's dead key, and then the letter."""
        letter, accent = (*unicodedata.normalize("NFD", char), "")[:2]
        if len(unicodedata.normalize("NFD", char)) != 2 or not {letter, accent} <= self.strokes.keys():
            return ()
        return self.strokes[accent], self.strokes[letter]


def _characters(level: Level) -> Iterator[tuple[int, str]]:
    for row, chars in zip(ROWS, level, strict=False):
        if len(chars) != len(row):
            raise ValueError(f"{chars!r}: {len(chars)} characters for {len(row)} keys")
        yield from zip(row, chars, strict=True)
