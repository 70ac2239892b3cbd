"""Stock QEMU through its VNC server, in every encoding that it has."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from pyrdpmux.harness.programs import free_port, wait_until
from pyrdpmux.harness.screenshot import Picture
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.backend import VmStatus
from pyrdpmux.mux.control.type_text import type_text
from pyrdpmux.mux.keyboard.layouts import LAYOUTS
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.settings.config import Config, SecuritySettings
from pyrdpmux.mux.vnc.backend import VncBackend
from pyrdpmux.mux.vnc.target import parse_target
from pyrdpmux.rdp.nla.accounts import Accounts
from tests.interop.authority import write_certificates
from tests.interop.client import xfreerdp
from tests.interop.conftest import Start
from tests.interop.qemu import GRUB, PASSWORD, PATIENCE, QEMU, USER, Daemon, Qemu, grub, striped_floppy

pytestmark = [
    pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"not installed: {QEMU}"),
    pytest.mark.skipif(not GRUB.exists(), reason=f"not installed: {GRUB}"),
]

MENU: Final = "`c' for a command-line"
PROMPT: Final = "grub>"
CONTROL, LEFT_ALT, DIGIT_2 = 0x1D, 0x38, 0x03


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: those of unix sockets have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="vnc-") as name:
        yield Path(name)


class VncDaemon(Daemon):
    """Registry and VNC backend on a loop of their own."""

    def __init__(self, folder: Path, options: str = "") -> None:
        super().__init__(folder)
        self.vnc = VncBackend("vm", parse_target(f"unix:{folder}/vnc{options}"), longest_pause=0.5)

    async def _start(self) -> None:
        config = Config(
            port=free_port(), state_dir=self._folder / "state", security=SecuritySettings(nla=True, tls=True)
        )
        accounts = Accounts().with_password(USER, "", PASSWORD)
        self.registry = Registry(config, ConnectionFactory(config, accounts=accounts))
        await self.vnc.start(self.registry)
        self.vnc.watch(is_watched=True)  # as if a viewer were there

    async def _stop(self) -> None:
        await self.registry.close("the test is over")
        await self.vnc.stop()

    def wait_until_connected(self) -> None:
        def has_picture() -> bool:
            [console] = self.registry.consoles
            return console.status is VmStatus.RUNNING

        wait_until(has_picture, PATIENCE, "a connection to QEMU")

    def press(self, *codes: int) -> None:
        """All down, and up again."""

        async def send() -> None:
            for down in (True, False):
                for code in codes:
                    self.vnc.input.key(code, extended=False, extended1=False, down=down)

        self.do(send())

    def type(self, text: str) -> None:
        for char in text:
            self.press(*(stroke.number for stroke in LAYOUTS["us"].strokes_for(char)))


def vnc_grub(folder: Path, *options: str, vnc: str = "") -> Qemu:
    return grub(folder, *options, "-vnc", f"unix:{folder}/vnc{vnc}", display="none")


def go_to_prompt(daemon: VncDaemon, qemu: Qemu) -> None:
    """What is typed before we are connected goes nowhere."""
    qemu.wait_for_text(MENU)
    daemon.wait_until_connected()
    daemon.type("c")
    qemu.wait_for_text(PROMPT)


def same(picture: Callable[[], Picture], qemu: Qemu) -> bool:
    expected, seen = qemu.screendump(), picture()
    return expected.shape == seen.shape and bool((expected == seen).all())


@pytest.mark.parametrize("encoding", ["raw", "hextile", "zlib", "zrle"])
def test_grub_pixel_for_pixel(folder: Path, encoding: str) -> None:
    with vnc_grub(folder) as qemu, VncDaemon(folder, f",encoding={encoding}") as daemon:
        go_to_prompt(daemon, qemu)
        daemon.wait_for_screendump(qemu)
        daemon.type("ls")
        qemu.wait_for_text(f"{PROMPT} ls")
        daemon.type("\n")
        qemu.wait_for_text("(cd)")
        daemon.wait_for_screendump(qemu)


X509: Final = "tls-creds-x509,id=t,endpoint=server,verify-peer=no,dir={folder}"
SECRET: Final = "secret,id=p,data=geheim"


@pytest.mark.parametrize(
    ("objects", "vnc", "options"),
    [
        ([SECRET], "password-secret=p", "password-file={folder}/password"),
        (["tls-creds-anon,id=t,endpoint=server"], "tls-creds=t", "encoding=raw"),
        ([X509], "tls-creds=t", "any-certificate=yes"),
        ([X509], "tls-creds=t", "ca-file={folder}/ca-cert.pem"),
        (
            [SECRET, X509],
            "password-secret=p,tls-creds=t",
            "password-file={folder}/password,ca-file={folder}/ca-cert.pem",
        ),
    ],
    ids=["password", "TLS without certificate", "TLS", "checked TLS", "checked TLS and password"],
)
def test_ways_in(folder: Path, objects: list[str], vnc: str, options: str) -> None:
    """QEMU's TLS is GnuTLS, its DES its own."""
    (folder / "password").touch(mode=0o600)
    (folder / "password").write_text("geheim\n", encoding="ascii")
    write_certificates(folder, "vnc.test")
    words = [word for text in objects for word in ("-object", text.format(folder=folder))]
    with (
        vnc_grub(folder, *words, vnc=f",{vnc}") as qemu,
        VncDaemon(folder, f",{options.format(folder=folder)}") as daemon,
    ):
        go_to_prompt(daemon, qemu)
        daemon.wait_for_screendump(qemu)


def test_console_hot_keys_do_not_reach_qemu(folder: Path) -> None:
    """They would show everybody QEMU's monitor."""
    with vnc_grub(folder) as qemu, VncDaemon(folder) as daemon:
        go_to_prompt(daemon, qemu)
        daemon.press(CONTROL, LEFT_ALT, DIGIT_2)
        daemon.type("ls")
        qemu.wait_for_text(f"{PROMPT} ls")
        daemon.wait_for_screendump(qemu)


def test_characters_are_typed_on_the_guests_keyboard(folder: Path) -> None:
    """What `pyrdpmux type` does; GRUB's keyboard is a US one."""
    text = "echo 'AZ09' {[(~^@#$%&*)]} \\ | -_=+;:,.<>?/!`"
    with vnc_grub(folder) as qemu, VncDaemon(folder) as daemon:
        go_to_prompt(daemon, qemu)
        [console] = daemon.registry.consoles
        daemon.do(type_text(console.arbiter, text))
        qemu.wait_for_text(f"{PROMPT} {text}")


def test_text_and_graphics(folder: Path) -> None:
    """A boot sector switches from 720x400 to mode 13h; paused, its stripes stand still."""
    floppy = striped_floppy(folder / "stripes.img")
    options = ("-vga", "std", "-drive", f"if=floppy,format=raw,file={floppy}", "-vnc", f"unix:{folder}/vnc")
    with Qemu(folder, *options, display="none") as qemu, VncDaemon(folder) as daemon:
        daemon.wait_for_vm()
        wait_until(lambda: qemu.screendump().shape == (400, 640, 3), PATIENCE, "mode 13h")
        wait_until(lambda: daemon.picture().shape == (400, 640, 3), PATIENCE, "mode 13h at our side")
        qemu.monitor.execute("stop")
        daemon.wait_for_screendump(qemu)
        assert len(set(daemon.picture()[0, :, 0].tolist())) > 4


def test_xfreerdp_stays_while_qemu_dies_and_returns(folder: Path, start: Start) -> None:
    with VncDaemon(folder) as daemon:
        with vnc_grub(folder) as qemu:
            client = start(xfreerdp(daemon.wait_for_vm(), "nla"))
            qemu.wait_for_text(MENU)
            daemon.wait_until_connected()
            client.focus()
            client.display.type("c")
            qemu.wait_for_text(PROMPT)
            wait_until(lambda: same(client.picture, qemu), PATIENCE, "the screendump in xfreerdp's window")
            client.display.type("ls")
            qemu.wait_for_text(f"{PROMPT} ls")
            wait_until(lambda: same(client.picture, qemu), PATIENCE, "what was typed in xfreerdp's window")
        with vnc_grub(folder) as qemu:
            go_to_prompt(daemon, qemu)
            wait_until(lambda: same(client.picture, qemu), PATIENCE, "the new QEMU in the old window")
            assert client.program.is_running
