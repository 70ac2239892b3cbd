"""One table of a TOML file, read strictly: every complaint names file, line and key."""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from pyrdpmux.errors import ConfigError

_HEADER: Final = re.compile(r"\s*\[\[?\s*(?P<name>[^\]]+?)\s*\]")
_KEY: Final = re.compile(
    r"\s*(?P<key>(?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)
_PART: Final = re.compile(r"\"([^\"]*)\"|'([^']*)'|([\w-]+)")


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(
        next(group for group in match.groups() if group is not None) for match in _PART.finditer(dotted)
    )


def line_of(text: str, path: tuple[str, ...]) -> int | None:
    """The line that sets ``path`` or opens it as a table; best effort, tomllib does not tell."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _parts(header["name"])
            if table == path:
                return number
        elif (key := _KEY.match(line)) and table + _parts(key["key"]) == path:
            return number
    return None


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that settings come from, for what turns out to be wrong with them later on."""

    path: Path | None = None
    text: str = ""

    def error(self, path: tuple[str, ...], complaint: str) -> ConfigError:
        """Names file, line and key; without a file the key alone."""
        key = ".".join(path)
        if self.path is None:
            return ConfigError(f"{key}: {complaint}")
        line = line_of(self.text, path)
        where = f"{self.path}, line {line}" if line is not None else str(self.path)
        return ConfigError(f"{where}: {key}: {complaint}")


class SettingsTable:
    """Takes values out of a parsed table by key and type; :meth:`finish` refuses what nobody took."""

    def __init__(
        self,
        values: Mapping[str, object],
        source: Path,
        text: str,
        path: tuple[str, ...] = (),
        complaints: list[ConfigError] | None = None,
    ) -> None:
        """``complaints``: where a value that is refused is noted, and its default taken; None: raise."""
        self._values = values
        self._source = source
        self._text = text
        self._path = path
        self.origin = Origin(source, text)
        self._known: set[str] = set()
        self._complaints = complaints

    def fail(self, key: str | None, complaint: str) -> NoReturn:
        """Refuse the value of ``key``, or the table itself."""
        raise self.origin.error(self._path if key is None else (*self._path, key), complaint)

    def _complain(self, key: str, complaint: str) -> None:
        error = self.origin.error((*self._path, key), complaint)
        if self._complaints is None:
            raise error
        self._complaints.append(error)

    def string(self, key: str, default: str) -> str:
        value = self._take(key, default)
        if not isinstance(value, str) or not value:
            self._complain(key, f"{value!r} is not a text")
            return default
        return value

    def optional_string(self, key: str) -> str | None:
        """A text, or None where there is none."""
        return self.string(key, "-") if self.has(key) else None

    def has(self, key: str) -> bool:
        return key in self._values

    def names(self) -> tuple[str, ...]:
        return tuple(self._values)

    def strings(self, key: str) -> tuple[str, ...] | None:
        """A list of texts, or None where there is none."""
        value = self._take(key, None)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self._complain(key, f"{value!r} is not a list of texts")
            return None
        return tuple(value)

    def boolean(self, key: str, default: bool) -> bool:
        value = self._take(key, default)
        if not isinstance(value, bool):
            self._complain(key, f"{value!r} is neither true nor false")
            return default
        return value

    def integer(self, key: str, default: int, *, low: int, high: int) -> int:
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            self._complain(key, f"{value!r} is not a whole number")
            return default
        if not low <= value <= high:
            self._complain(key, f"{value}, {low} to {high} allowed")
            return default
        return value

    def path(self, key: str, default: Path | None) -> Path | None:
        """A path; a relative one starts at the directory of the file it stands in."""
        value = self._take(key, None)
        if value is None:
            return default
        if not isinstance(value, str) or not value:
            self._complain(key, f"{value!r} is not a path")
            return default
        return self._source.parent / Path(value).expanduser()

    def choice(self, key: str, default: str, allowed: Collection[str]) -> str:
        value = self.string(key, default)
        if value not in allowed:
            self._complain(key, f"{value!r}, expected {' or '.join(sorted(allowed))}")
            return default
        return value

    def table(self, key: str) -> "SettingsTable":
        value = self._take(key, {})
        if not isinstance(value, dict):
            self._complain(key, f"{value!r} is not a table: write [{'.'.join((*self._path, key))}]")
            value = {}
        return SettingsTable(value, self._source, self._text, (*self._path, key), self._complaints)

    def tables(self) -> Iterator[tuple[str, "SettingsTable"]]:
        """Every entry of a table whose keys are names."""
        for key in self._values:
            yield key, self.table(key)

    def finish(self) -> None:
        """Refuse a key that nobody asked for: a typing error must not go unnoticed."""
        for key in self._values:
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, n=1)
                self._complain(key, f"unknown key{f', did you mean {near[0]!r}?' if near else ''}")

    def _take(self, key: str, default: object) -> object:
        self._known.add(key)
        return self._values.get(key, default)
