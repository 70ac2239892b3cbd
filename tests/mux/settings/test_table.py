from pathlib import Path

import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.settings.table import SettingsTable, line_of

TEXT = """\
# a comment = 1
port = 1

[vms.build7]
port = 2
"view-only" = true
[ vms . "a b" ]
x.y = 3
[[list]]
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("port",), 2),
        (("vms", "build7"), 4),
        (("vms", "build7", "port"), 5),
        (("vms", "build7", "view-only"), 6),
        (("vms", "a b"), 7),
        (("vms", "a b", "x", "y"), 8),
        (("list",), 9),
        (("nowhere",), None),
    ],
)
def test_finds_the_line(path: tuple[str, ...], line: int | None) -> None:
    assert line_of(TEXT, path) == line


def table(**values: object) -> SettingsTable:
    text = "".join([f"{key} = ...\n" for key in values])
    return SettingsTable(values, Path("/etc/a.toml"), text)


def test_takes_values_by_type() -> None:
    settings = table(s="x", b=True, i=3, p="sub/file", t={"k": 1})
    assert settings.string("s", "") == "x"
    assert settings.boolean("b", False) is True
    assert settings.integer("i", 0, low=0, high=9) == 3
    assert settings.path("p", None) == Path("/etc/sub/file")
    assert settings.table("t").integer("k", 0, low=0, high=9) == 1
    settings.finish()


def test_gives_defaults() -> None:
    settings = table()
    assert settings.string("s", "d") == "d"
    assert settings.boolean("b", True) is True
    assert settings.integer("i", 7, low=0, high=9) == 7
    assert settings.path("p", Path("/x")) == Path("/x")
    assert list(settings.table("t").tables()) == []


@pytest.mark.parametrize(
    ("value", "take", "message"),
    [
        (1, lambda t: t.string("k", ""), "/etc/a.toml, line 1: k: 1 is not a text"),
        ("yes", lambda t: t.boolean("k", True), "/etc/a.toml, line 1: k: 'yes' is neither true nor false"),
        (
            True,
            lambda t: t.integer("k", 1, low=0, high=9),
            "/etc/a.toml, line 1: k: True is not a whole number",
        ),
        (10, lambda t: t.integer("k", 1, low=0, high=9), "/etc/a.toml, line 1: k: 10, 0 to 9 allowed"),
        (3, lambda t: t.path("k", None), "/etc/a.toml, line 1: k: 3 is not a path"),
        (3, lambda t: t.table("k"), "/etc/a.toml, line 1: k: 3 is not a table: write [k]"),
    ],
)
def test_refuses_other_types(value: object, take: object, message: str) -> None:
    assert callable(take)
    with pytest.raises(ConfigError) as caught:
        take(table(k=value))
    assert str(caught.value) == message


def test_an_unknown_key_is_refused_with_a_suggestion() -> None:
    settings = table(prot=1)
    settings.integer("port", 1, low=0, high=9)
    with pytest.raises(ConfigError) as caught:
        settings.finish()
    assert str(caught.value) == "/etc/a.toml, line 1: prot: unknown key, did you mean 'port'?"


def test_a_table_can_be_refused_as_a_whole() -> None:
    with pytest.raises(ConfigError, match=r"line 1: t: nothing works"):
        table(t={}).table("t").fail(None, "nothing works")
