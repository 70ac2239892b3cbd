"""The daemon under its unit: no capability, its system calls filtered, and a VM of another user on the bus.

There is no systemd here: tests/mux/support/confined.py says what of the unit is in force, and what is not.
"""

import asyncio
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyrdpmux.mux.librdpmux.socket_access import ATTRIBUTE
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags
from scripts.generate_manual import PACKAGING
from tests.mux.opener.running import DAEMON, GUEST, SECONDS, STRANGER, RunningOpener, running_opener
from tests.mux.rdp_client import connected
from tests.mux.serving import noise
from tests.mux.support.as_user import as_user, needs_root
from tests.mux.support.confined import libseccomp
from tests.mux.support.public_directory import public_directory

pytestmark = [
    needs_root,
    pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon"),
]

UNIT = PACKAGING / "pyrdpmux.service"
WIDTH, HEIGHT = 320, 200
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_type="signal"/><allow send_requested_reply="true" send_type="method_return"/>
<allow send_requested_reply="true" send_type="error"/><allow receive_type="method_call"/>
<allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/></policy>
</busconfig>"""


@contextmanager
def running_bus(directory: Path) -> Iterator[str]:
    """That everybody may use."""
    configuration = directory / "bus.conf"
    configuration.write_text(BUS.format(socket=directory / "bus"))
    command = ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline()
        try:
            yield f"unix:path={directory / 'bus'}"
        finally:
            daemon.terminate()


class ConfinedDaemon:
    """Its process, and what it has written."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path, directory: Path) -> None:
        self.process = process
        self.log = log
        self.sockets = directory / "run" / "guests"

    def until(self, pattern: str) -> "re.Match[str]":
        """Wait for a line in its log."""
        deadline = time.monotonic() + SECONDS
        while (found := re.search(pattern, self.log.read_text())) is None:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)
        return found

    def status(self, name: str) -> str:
        return Path(f"/proc/{self.process.pid}/status").read_text().split(f"{name}:\t")[1].split("\n")[0]


@contextmanager
def confined_daemon(directory: Path, bus: str, opener: RunningOpener | None) -> Iterator[ConfinedDaemon]:
    environment = os.environ | {
        "STATE_DIRECTORY": str(directory / "state"),
        "RUNTIME_DIRECTORY": str(directory / "run"),
        "NOTIFY_SOCKET": str(directory / "notify"),
    }
    if opener is not None:
        environment |= {"PYRDPMUX_OPENER_SOCKET": str(opener.socket)}
    for name, mode in (("state", 0o700), ("run", 0o711)):
        (directory / name).mkdir()
        (directory / name).chmod(mode)
        os.chown(directory / name, DAEMON, DAEMON)
    log = directory / "log"
    command = [sys.executable, "-W", "error", "-m", "tests.mux.support.confined", str(UNIT), str(DAEMON)]
    command += ["tests.mux.opener.plugged_daemon", "serve", "--no-auth", "--bus", bus, "--bind", "127.0.0.1"]
    command += ["--state-dir", str(directory / "state")]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, log.open("wb") as written:
        manager.bind(str(directory / "notify"))
        (directory / "notify").chmod(0o666)
        with subprocess.Popen(command, env=environment, stderr=written) as process:
            try:
                yield ConfinedDaemon(process, log, directory)
            except BaseException:
                print(log.read_text())
                raise
            finally:
                process.terminate()
                assert process.wait(SECONDS) == 0, log.read_text()


@contextmanager
def guest(bus: str, vm_id: int, version: int) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.mux.opener.guest_of_another_user", str(GUEST), bus]
    command += [str(vm_id), str(version), str(WIDTH), str(HEIGHT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "registered\n"
            yield process
        finally:
            process.stdin.close()
            process.wait(SECONDS)


@pytest.mark.parametrize("version", [2, 5], ids=["nanomsg", "zmq"])
def test_it_shows_a_vm_of_another_user(version: int) -> None:
    """Found on the bus, reached at a socket of its own, its pixels through the opener; and it hears keys."""
    if version == 5:
        pytest.importorskip("zmq")
    vm_id = secrets.randbelow(2**31 - 1)
    with (
        public_directory() as directory,
        running_bus(directory) as bus,
        running_opener() as opener,
        confined_daemon(directory, bus, opener) as daemon,
    ):
        daemon.until("Ready, VMs register")
        assert daemon.status("Uid").split() == [str(DAEMON)] * 4
        assert {daemon.status(name) for name in CAPABILITIES} == {"0" * 16}
        if libseccomp() is not None:
            assert daemon.status("Seccomp") == "2"
        with guest(bus, vm_id, version) as process:
            port = int(daemon.until(r"RDP on port (\d+)")[1])

            async def look_and_type() -> None:
                async with connected(port) as client:
                    await client.until_shows(noise(WIDTH, HEIGHT))
                    client.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1E)])
                    client.flush()
                    assert process.stdout is not None
                    line = await asyncio.to_thread(process.stdout.readline)
                    assert line == "key 30 down\n"

            asyncio.run(look_and_type())
            [path] = daemon.sockets.iterdir()
            assert ATTRIBUTE in os.listxattr(path)
            with as_user(STRANGER), socket.socket(socket.AF_UNIX) as stranger, pytest.raises(PermissionError):
                stranger.connect(str(path))
        assert "Traceback" not in daemon.log.read_text()


def test_without_an_opener_it_goes_on_and_says_what_it_may_not() -> None:
    """The same with nobody to open the framebuffer: so it is the opener that made it visible."""
    vm_id = secrets.randbelow(2**31 - 1)
    with (
        public_directory() as directory,
        running_bus(directory) as bus,
        confined_daemon(directory, bus, None) as daemon,
    ):
        daemon.until("Ready, VMs register")
        with guest(bus, vm_id, 2):
            daemon.until(f"/dev/shm/{vm_id}.rdpmux: Permission denied")
