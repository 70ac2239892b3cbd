"""What the configuration file may say, as its own reader asks for it: names, kinds, bounds and defaults."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from pyrdpmux.mux.settings.config_file import read_config
from pyrdpmux.mux.settings.table import SettingsTable

_OF_SEVERAL_VMS: Final = {
    "view-only": False,
    "allow": "everybody",
    "typists": "everybody",
    "keyboard": "us",
}

SAMPLE: Final[Mapping[str, Any]] = {
    "groups": {"GROUP": []},
    "defaults": _OF_SEVERAL_VMS,
    "vms": {"NAME": {**_OF_SEVERAL_VMS, "uid": 0}, "OTHER": {"owner": "root"}},
}
"""Makes the reader ask for everything it knows: it asks for some only where they are there."""

NAMED: Final = {"groups": "GROUP", "vms": "NAME"}
"""Tables whose keys are names that people choose, and what the manual calls these."""


class Asked:
    """By the setting's full name, with NAME and GROUP for what people choose."""

    def __init__(self) -> None:
        #: what kind of value is taken, in the order in which the reader asks
        self.values: dict[str, str] = {}
        #: for whose presence the reader looks
        self.looked_for: set[str] = set()


class RecordingTable(SettingsTable):
    """Notes what it is asked for."""

    def __init__(
        self, values: Mapping[str, object], asked: Asked, name: str = "", path: tuple[str, ...] = ()
    ) -> None:
        super().__init__(values, Path("/"), "", path)
        self.asked = asked
        self._name = name

    def _full(self, key: str) -> str:
        key = NAMED.get(self._name, key)
        return f"{self._name}.{key}" if self._name else key

    def _note(self, key: str, kind: str, default: object = None) -> None:
        text = "" if default is None else f", default {_toml(default)}"
        self.asked.values.setdefault(self._full(key), kind + text)

    def has(self, key: str) -> bool:
        self.asked.looked_for.add(self._full(key))
        return super().has(key)

    def string(self, key: str, default: str) -> str:
        self._note(key, "text", default or None)
        return super().string(key, default)

    def optional_string(self, key: str) -> str | None:
        self._note(key, "text")
        return super().optional_string(key)

    def strings(self, key: str) -> tuple[str, ...] | None:
        self._note(key, "list of texts")
        return super().strings(key)

    def boolean(self, key: str, default: bool) -> bool:
        self._note(key, "true or false", default)
        return super().boolean(key, default)

    def integer(self, key: str, default: int, *, low: int, high: int) -> int:
        # Where it may be more than 0, a default of 0 stands for none.
        self._note(key, f"{low} to {high}", default or None)
        return super().integer(key, default, low=low, high=high)

    def path(self, key: str, default: Path | None) -> Path | None:
        self._note(key, "path", default)
        return super().path(key, default)

    def choice(self, key: str, default: str, allowed: Collection[str]) -> str:
        self._note(key, " or ".join([_toml(name) for name in sorted(allowed)]), default)
        return super().choice(key, default, allowed)

    def table(self, key: str) -> SettingsTable:
        values = self._take(key, {})
        assert isinstance(values, dict)
        return RecordingTable(values, self.asked, self._full(key), (*self._path, key))


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str | Path) else str(value)


def ask() -> Asked:
    """Read a configuration, and see what is asked for."""
    asked = Asked()
    read_config(RecordingTable(SAMPLE, asked))
    return asked
