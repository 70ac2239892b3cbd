"""Foreign clients judge our licensing server: the whole exchange, to Active."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux.harness.display import Display
from pyrdpmux.harness.peers.licensing_server import LicensingScript, LicensingServer, asking_for_licenses
from pyrdpmux.harness.programs import Program
from tests.harness.peers.picture_server import picture_server
from tests.harness.peers.test_renderer import picture
from tests.interop.client import rdesktop, xfreerdp
from tests.interop.console import PATIENCE
from tests.mux.rdp_client import eventually
from tests.pair.linked import entropy, rdp_policy, rsa_key, server_config, tls_policy, x509_key

SECURITIES: dict[str, Callable[[], Any]] = {"tls": tls_policy, "rdp": rdp_policy}


def licensed(
    argv: Callable[[int], list[str]], display: Display, home: Path, security: str, script: LicensingScript
) -> LicensingServer:
    """Let a client come, and see that it gets through."""
    key = rsa_key() if script.certificate is None else x509_key()[0]
    exchange = LicensingServer(key, entropy(), script)
    config = server_config(
        SECURITIES[security](), width=640, height=480, licensing=asking_for_licenses(exchange)
    )

    async def scenario() -> None:
        async with picture_server(config, picture(640, 480)) as server:
            environment = {"HOME": str(home), "XDG_CONFIG_HOME": str(home)}
            program: Program = display.start(argv(server.port), home / "log", stdin="yes\n", **environment)
            try:
                async with asyncio.timeout(PATIENCE):
                    await eventually(lambda: server.has_client and server.connection.is_active)
            except TimeoutError:
                raise program.failure(f"not active: {exchange.response}") from None
            finally:
                program.stop()

    asyncio.run(scenario())
    return exchange


CLIENTS: dict[str, Callable[[int, str], list[str]]] = {
    "xfreerdp": lambda port, security: xfreerdp(port, security),
    "rdesktop": lambda port, _security: rdesktop(port, 16),
}


def kept(home: Path) -> list[bytes]:
    """The licenses that a client has stored."""
    return [path.read_bytes() for path in home.rglob("*.cal")]


@pytest.mark.parametrize("security", SECURITIES)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_license_is_issued_shown_and_upgraded(
    client: str, security: str, display: Display, tmp_path: Path
) -> None:
    def come(script: LicensingScript) -> LicensingServer:
        return licensed(lambda port: CLIENTS[client](port, security), display, tmp_path, security, script)

    first = come(LicensingScript(license_info=b"the first license"))
    assert first.user_name == b"alice\0"
    assert first.response is not None
    assert first.hardware_id is not None
    assert kept(tmp_path) == [b"the first license"]

    again = come(LicensingScript(valid_licenses=frozenset([b"the first license"])))
    assert again.presented_license == b"the first license"
    assert again.response is None  # it needed no challenge

    upgraded = come(LicensingScript(license_info=b"the second license"))
    assert upgraded.presented_license == b"the first license"
    assert upgraded.hardware_id == first.hardware_id
    assert kept(tmp_path) == [b"the second license"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_chain_of_certificates(client: str, display: Display, tmp_path: Path) -> None:
    """What a terminal server has that a license server has certified."""
    script = LicensingScript(certificate=x509_key()[1], license_info=b"by chain")
    licensed(lambda port: CLIENTS[client](port, "tls"), display, tmp_path, "tls", script)
    assert kept(tmp_path) == [b"by chain"]
