"""Whose options are taken."""

import pytest

from bench.glass.client import MODES, TITLES, Client, read_version


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("This is FreeRDP version 2.11.7 (2.11.7)\n", "2.11.7"),
        ("This is FreeRDP version 3.30.0-dev0 (n/a)\n", "3.30.0-dev0"),
    ],
)
def test_version(told: str, version: str) -> None:
    assert read_version(told) == version


@pytest.mark.parametrize("told", ["", "rdesktop 1.9", "This is FreeRDP version 1.2.0"])
def test_no_version(told: str) -> None:
    with pytest.raises(ValueError, match="not a version of FreeRDP"):
        read_version(told)


@pytest.mark.parametrize("major", ["2.11.7", "3.30.0"])
@pytest.mark.parametrize("mode", MODES)
def test_options(major: str, mode: str) -> None:
    argv = Client("/opt/xfreerdp", major, ("/rfx",)).argv(3901, mode)
    assert argv[:2] == ["/opt/xfreerdp", "/v:127.0.0.1:3901"]
    assert argv[-1] == "/rfx"
    options = MODES[mode][int(major[0])]
    assert argv[-1 - len(options) : -1] == list(options)
    assert any("gfx" in word for word in argv) is (mode != "none"), "even behind a minus"


def test_each_mode_has_a_title() -> None:
    assert list(TITLES) == list(MODES)
