"""Servers are found by their files."""

from bench.glass.server import Server
from bench.glass.servers import all_servers


def test_all_are_there_by_name() -> None:
    servers = all_servers()
    assert set(servers) >= {"freerdp-shadow", "xrdp", "pyrdpmux, VNC", "pyrdpmux, guest API", "xvfb"}
    assert all(server.name == name for name, server in servers.items())


def test_what_is_not_installed_is_named() -> None:
    start = all_servers()["xvfb"].start
    assert Server("nobody's", ("no-such-program-at-all", "sh"), start).missing == ["no-such-program-at-all"]
