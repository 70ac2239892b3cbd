"""Where QEMUs are, in the words of a configuration."""

import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.qemu.source import AnySource, BusSource, QmpSource, parse_source


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("/run/qmp.sock", QmpSource("/run/qmp.sock")),
        ("unix:/run/qmp.sock", QmpSource("/run/qmp.sock")),
        ("/run/with:colon", QmpSource("/run/with:colon")),
        ("dbus:system", BusSource("system")),
        ("dbus:unix:path=/run/bus,guid=1", BusSource("unix:path=/run/bus,guid=1")),
    ],
)
def test_sources(text: str, source: AnySource) -> None:
    assert parse_source(text) == source


@pytest.mark.parametrize("text", ["", "qmp.sock", "unix:", "unix:qmp", "dbus:", "tcp:/x"])
def test_no_sources(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_source(text)
