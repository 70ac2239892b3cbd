import pytest

from pyrdpmux.cli.rdp_file import RdpFile, reachable
from pyrdpmux.errors import ConfigError


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("console.example.org", "console.example.org:3389"),
        ("0.0.0.0", "127.0.0.1:3389"),
        ("::", "[::1]:3389"),
        ("2001:db8::1", "[2001:db8::1]:3389"),
    ],
)
def test_where_a_client_finds_it(host: str, address: str) -> None:
    assert reachable(host, 3389) == address


def test_a_vm_with_its_own_port() -> None:
    lines = RdpFile(address="h:3901", user="alice", size=(800, 600)).text().split("\r\n")
    assert lines[:5] == [
        "full address:s:h:3901",
        "username:s:alice",
        "desktopwidth:i:800",
        "desktopheight:i:600",
        "enablecredsspsupport:i:1",
    ]
    assert lines[-1] == ""
    assert all(line.count(":") >= 2 for line in lines[:-1])


def test_a_vm_behind_the_gateway() -> None:
    text = RdpFile(address="h:3389", route="build7", has_nla=False).text()
    assert "loadbalanceinfo:s:vm=build7\r\npcb:s:build7\r\n" in text
    assert "enablecredsspsupport:i:0\r\n" in text
    assert "username" not in text


def test_nothing_slips_a_line_of_its_own_in() -> None:
    with pytest.raises(ConfigError, match="cannot stand in"):
        RdpFile(address="h:1", user="a\r\nalternate shell:s:evil").text()


def test_text_that_is_not_ascii() -> None:
    data = RdpFile(address="h:1", user="Zoë").data()
    assert data[:2] == b"\xff\xfe"
    assert "username:s:Zoë\r\n" in data.decode("utf-16")
    assert RdpFile(address="h:1").data().isascii()
