"""xfreerdp at the one port for all VMs: every way of asking, Hyper-V's order, and the list."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrdpmux.cli.rdp_file import RdpFile
from pyrdpmux.harness.programs import ProgramError, wait_until
from pyrdpmux.mux.backend import VmStatus
from pyrdpmux.mux.gateway.picker import BACKGROUND
from pyrdpmux.mux.settings.config import SecuritySettings, VmSettings
from tests.interop.client import SECONDS, TITLE, Client, shown, xfreerdp
from tests.interop.conftest import Start
from tests.interop.console import PASSWORD, USER
from tests.interop.vm_host import UUID, VmHostUnderTest

LOGON_FAILURE = "ERRCONNECT_LOGON_FAILURE"


def vmconnect(port: int, vm: str, password: str = PASSWORD) -> list[str]:
    """The port again behind it: /vmconnect makes it Hyper-V's."""
    return xfreerdp(port, "nla", 32, f"/vmconnect:{vm}", f"/port:{port}", password=password)


def shows_list(client: Client) -> bool:
    try:
        picture = client.picture()
    except ProgramError:  # a window that is being made anew cannot be photographed
        return False
    return picture.shape[:2] == (600, 800) and picture[-1, -1].tolist() == list(reversed(BACKGROUND))


@pytest.fixture
def host(tmp_path: Path) -> Iterator[VmHostUnderTest]:
    with VmHostUnderTest(tmp_path) as host:
        yield host


@pytest.mark.parametrize(
    "options",
    [
        ["/load-balance-info:vm=web"],
        ["/load-balance-info:Cookie: msts=web"],
        ["/pcb:web"],
        [f"/pcb:{UUID};EnhancedMode=1"],
        ["/u:web\\" + USER],
        [f"/u:{USER}@web"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("security", ["nla", "tls"])
def test_xfreerdp_comes_to_the_vm_it_asks_for(
    host: VmHostUnderTest, start: Start, security: str, options: list[str]
) -> None:
    start(xfreerdp(host.port, security, 32, *options)).wait_for_picture(shown(host.picture("web"), 32))


def test_vmconnect(host: VmHostUnderTest, start: Start) -> None:
    """Hyper-V's order: preconnection PDU, TLS, CredSSP, X.224."""
    client = start(vmconnect(host.port, UUID))
    client.wait_for_picture(shown(host.picture("web"), 32))
    client.focus()
    client.display.key("a")
    host.wait_until_told("web", "1e down")


def test_a_file_of_ours_opens_the_vm(host: VmHostUnderTest, start: Start, tmp_path: Path) -> None:
    path = tmp_path / "web.rdp"
    path.write_bytes(RdpFile(address=f"127.0.0.1:{host.port}", user=USER, route="web").data())
    client = start(["xfreerdp", str(path), f"/p:{PASSWORD}", "/cert:ignore", "/bpp:32", f"/t:{TITLE}"])
    client.wait_for_picture(shown(host.picture("web"), 32))


@pytest.mark.parametrize("status", [VmStatus.PAUSED, VmStatus.LOST])
def test_a_bad_moment_of_the_vm_is_a_card(host: VmHostUnderTest, start: Start, status: VmStatus) -> None:
    client = start(xfreerdp(host.port, "nla", 32, "/pcb:web"))
    client.wait_for_picture(shown(host.picture("web"), 32))
    host.do(lambda: host.console("web").set_status(status, "for a moment"))
    card = host.do(lambda: host.console("web").display.pixels.copy())
    client.wait_for_picture(shown(card, 32))
    host.do(lambda: host.console("web").set_status(VmStatus.RUNNING))
    client.wait_for_picture(shown(host.picture("web"), 32))


@pytest.mark.parametrize("security", ["nla", "tls"])
def test_who_does_not_say_chooses_from_a_list(host: VmHostUnderTest, start: Start, security: str) -> None:
    client = start(xfreerdp(host.port, security, 32, "/size:800x600"))
    wait_until(lambda: shows_list(client), SECONDS, "the list")
    client.focus()
    client.display.key("w")
    client.display.key("Return")
    client.wait_for_picture(shown(host.picture("web"), 32))
    client.display.key("b")
    host.wait_until_told("web", "30 down")
    client.display.key("ctrl+alt+Home")
    wait_until(lambda: shows_list(client), SECONDS, "the list again")
    client.focus()
    client.display.key("m")
    client.display.key("Return")
    client.wait_for_picture(shown(host.picture("mail"), 32))
    assert not any(told.startswith("e0 47") for told in host.do(lambda: list(host.sinks["web"].told)))


def test_who_sees_one_only_goes_there(tmp_path: Path, start: Start) -> None:
    with VmHostUnderTest(tmp_path, mail=VmSettings(users=("somebody else",))) as host:
        start(xfreerdp(host.port, "nla")).wait_for_picture(shown(host.picture("web"), 32))


@pytest.mark.parametrize(
    ("options", "password"),
    [
        (["/load-balance-info:vm=web"], "wrong"),
        (["/load-balance-info:vm=nowhere"], PASSWORD),
        (["/pcb:nowhere"], PASSWORD),
    ],
    ids=str,
)
def test_an_unknown_vm_looks_like_a_wrong_password(
    tmp_path: Path, start: Start, options: list[str], password: str
) -> None:
    with VmHostUnderTest(tmp_path, security=SecuritySettings()) as host:
        client = start(xfreerdp(host.port, "nla", 32, *options, password=password))
        client.program.wait_for_output(LOGON_FAILURE, SECONDS)


@pytest.mark.parametrize(("vm", "password"), [("nowhere", PASSWORD), ("web", "wrong")])
def test_so_it_does_to_vmconnect(tmp_path: Path, start: Start, vm: str, password: str) -> None:
    with VmHostUnderTest(tmp_path, security=SecuritySettings()) as host:
        start(vmconnect(host.port, vm, password)).program.wait_for_output(LOGON_FAILURE, SECONDS)


def test_who_may_not_see_it_is_told_so(tmp_path: Path, start: Start) -> None:
    with VmHostUnderTest(tmp_path, mail=VmSettings(users=("somebody else",))) as host:
        client = start(xfreerdp(host.port, "nla", 32, "/load-balance-info:vm=mail"))
        client.program.wait_for_output("ERRINFO_SERVER_DENIED_CONNECTION", SECONDS)
