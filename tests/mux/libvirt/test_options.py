"""The command lines of libvirt's qemu_rdp.c."""

import json
from pathlib import Path

import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.libvirt.helper import EXIT_OK, EXIT_USAGE, main
from pyrdpmux.mux.libvirt.options import Options, capabilities, parse_bind_address, parse_options

BUS = "unix:path=/run/libvirt/qemu/dbus/1-web-dbus.sock"
SERVE = [
    f"--dbus-address={BUS}",
    "serve",
    "--bind-address",
    "127.0.0.1:3389",
    "--cert=/etc/pki/qemu/server-cert.pem",
    "--key=/etc/pki/qemu/server-key.pem",
]


def test_capabilities(capsys: pytest.CaptureFixture[str]) -> None:
    """Without dbus-address libvirt does not use a helper."""
    assert main(["--print-capabilities"]) == EXIT_OK
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(capabilities()) == {"features": ["dbus-address"]}


def test_serve() -> None:
    assert parse_options(SERVE) == Options(
        dbus_address=BUS,
        host="127.0.0.1",
        port=3389,
        certificate=Path("/etc/pki/qemu/server-cert.pem"),
        key=Path("/etc/pki/qemu/server-key.pem"),
    )


@pytest.mark.parametrize("missing", [0, slice(2, 4), 4, 5])
def test_something_is_missing(
    missing: "int | slice[int, int, None]", capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = list(SERVE)
    del arguments[missing]
    assert main(arguments) == EXIT_USAGE
    assert "is missing" in capsys.readouterr().err


def test_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == EXIT_USAGE
    assert capsys.readouterr().err


def test_a_certificate_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*SERVE[:4], "--cert=/nowhere/cert.pem", "--key=/nowhere/key.pem"]
    assert main(arguments) == EXIT_USAGE
    assert "/nowhere/cert.pem" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:3389", ("127.0.0.1", 3389)),
        ("[::1]:3390", ("::1", 3390)),
        (":3389", ("", 3389)),
        ("host.example:1", ("host.example", 1)),
    ],
)
def test_bind_addresses(text: str, expected: tuple[str, int]) -> None:
    assert parse_bind_address(text) == expected


@pytest.mark.parametrize(
    "text", ["", "3389", "::1:3389", "host:", "host:0", "host:65536", "host:x", "host:¹"]
)
def test_bad_bind_addresses(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_bind_address(text)
