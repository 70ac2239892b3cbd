"""What a distribution installs beside the wheel: unit, bus policy, manual."""

import configparser
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.opener import protocol as opener_protocol
from pyrdpmux.mux.settings.config_file import load_config
from pyrdpmux.mux.sources import OURS
from pyrdpmux.mux.vnc.target import OPTIONS
from scripts import config_manual
from scripts.generate_manual import PACKAGING, commands, main, render
from scripts.settings import ask
from tests.mux.support.public_directory import public_directory

UNIT = PACKAGING / "pyrdpmux.service"
OPENER = PACKAGING / "pyrdpmux-opener.service"
OPENER_SOCKET = PACKAGING / "pyrdpmux-opener.socket"

EXPOSURE = {UNIT: 12, OPENER: 8}
"""At most, in tenths, as `systemd-analyze security` counts it."""

DESCRIPTORS_PER_VM = 16
VMS = 1000
POLICY = PACKAGING / "org.RDPMux.RDPMux.conf"

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><deny own="*"/><deny send_type="method_call"/>
<allow send_type="signal"/><allow send_requested_reply="true" send_type="method_return"/>
<allow send_requested_reply="true" send_type="error"/><allow receive_type="method_call"/>
<allow receive_type="method_return"/><allow receive_type="error"/>
<allow send_destination="org.freedesktop.DBus"/><allow receive_type="signal"/></policy>
<include>{policy}</include></busconfig>"""

CALLER = """
import asyncio, os, sys
from dbus_fast import DBusError
from pyrdpmux.mux.librdpmux.bus import BUS_NAME, INTERFACE, OBJECT_PATH, call, connect_bus
uid, gid = map(int, sys.argv[2:])
os.setgroups([])
os.setgid(gid)
os.setuid(uid)
async def main():
    bus = await connect_bus(sys.argv[1])
    try:
        reply = await bus.request_name(BUS_NAME)
        print("own", reply.name)
    except DBusError as error:
        print("own", error.type)
    try:
        await call(bus, BUS_NAME, OBJECT_PATH, INTERFACE, "Register", "ii", 5, 1)
    except DBusError as error:
        print("send", error.type)
asyncio.run(main())
"""

OWNER = """
import asyncio, sys
from pyrdpmux.mux.librdpmux.bus import BUS_NAME, connect_bus
async def main():
    bus = await connect_bus(sys.argv[1])
    await bus.request_name(BUS_NAME)
    print("there", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def unit(path: Path = UNIT) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser


def test_the_service_is_not_root_and_has_authentication() -> None:
    service = unit()["Service"]
    assert (service["User"], service["Group"]) == ("pyrdpmux", "pyrdpmux")
    assert "--no-auth" not in service["ExecStart"]
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) > 0
    assert service["RuntimeDirectoryPreserve"] == "restart", "VMs come back to the sockets they knew"


def test_the_service_has_no_capability_and_bounds() -> None:
    service = unit()["Service"]
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == ""
    assert service["MemoryMax"]
    assert int(service["TasksMax"]) > 0
    assert int(service["LimitNOFILE"]) >= 2 * DESCRIPTORS_PER_VM * VMS, "viewers have some as well"


def test_the_opener_is_for_the_daemon_and_nobody_else() -> None:
    """It can read others' files and remove what dead VMs leave, and has nothing to write with."""
    service, listening = unit(OPENER)["Service"], unit(OPENER_SOCKET)["Socket"]
    assert service["AmbientCapabilities"] == service["CapabilityBoundingSet"]
    assert service["AmbientCapabilities"].split() == ["CAP_DAC_READ_SEARCH", "CAP_FOWNER"]
    assert service["PrivateNetwork"] == "yes"
    daemon = unit()["Service"]["User"]
    assert service["ExecStart"].split() == ["/usr/bin/pyrdpmux-opener", "--user", daemon]
    assert (listening["SocketUser"], listening["SocketMode"]) == (daemon, "0600")
    assert listening["ListenSequentialPacket"] == opener_protocol.SOCKET
    assert OPENER_SOCKET.name in unit()["Unit"]["Wants"].split()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_the_units() -> None:
    """All of them except what is not installed here."""
    verified = subprocess.run(
        ["systemd-analyze", "verify", UNIT, OPENER, OPENER_SOCKET],
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [
        line
        for line in verified.stderr.splitlines()
        if "is not executable" not in line and "Command 'man" not in line and "pyrdpmux" in line
    ]
    assert complaints == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("path", EXPOSURE, ids=lambda path: path.name)
def test_the_units_are_tight(path: Path) -> None:
    exposure = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE[path]}", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert exposure.returncode == 0, exposure.stdout[-500:]


@pytest.fixture
def guarded_bus() -> Iterator[str]:
    """With our policy, in which "daemon" is the group pyrdpmux-vms, "bin" the user pyrdpmux, and an owner."""
    with public_directory() as directory:
        yield from _guarded_bus(directory)


def _guarded_bus(directory: Path) -> Iterator[str]:
    policy = directory / "policy.conf"
    text = POLICY.read_text().replace('group="pyrdpmux-vms"', 'group="daemon"')
    policy.write_text(text.replace('user="pyrdpmux"', 'user="bin"'))
    configuration = directory / "bus.conf"
    configuration.write_text(BUS.format(socket=directory / "bus", policy=policy))
    with subprocess.Popen(
        ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        text=True,
    ) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline()
        address = f"unix:path={directory / 'bus'}"
        command = [sys.executable, "-c", OWNER, address]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
            assert owner.stdout is not None
            assert owner.stdout.readline() == "there\n"
            yield address
            owner.terminate()
        daemon.terminate()


@pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
@pytest.mark.parametrize(
    ("uid", "gid", "may_own", "may_send"),
    [
        (0, 0, True, True),
        (2, 2, True, True),  # the daemon's user
        (65534, 1, False, True),  # a VM's, in the group
        (65534, 65534, False, False),
    ],
)
def test_only_the_daemon_owns_and_only_the_group_registers(
    guarded_bus: str, uid: int, gid: int, may_own: bool, may_send: bool
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CALLER, guarded_bus, str(uid), str(gid)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    denied = "org.freedesktop.DBus.Error.AccessDenied"
    own, send = (line.split()[1] for line in done.stdout.splitlines())
    assert own == ("IN_QUEUE" if may_own else denied)
    arrived = "org.freedesktop.DBus.Error.UnknownMethod"
    assert send == (arrived if may_send else denied)


def test_the_manual_is_current() -> None:
    assert main(["--check"]) == 0, "run scripts/generate-manual"


def test_the_manual_has_every_option_of_every_command() -> None:
    files = render()
    for command in commands():
        page = files[f"man/pyrdpmux-{command.name}.{command.section}"]
        assert f"\\fB{command.name.replace('-', chr(92) + '-')}\\fR" in files["man/pyrdpmux.1"]
        for action in command.options:
            for name in action.option_strings:
                assert f"\\fB{name.replace('-', chr(92) + '-')}\\fR" in page


def test_the_manual_has_every_setting() -> None:
    """That the reader asks for, and no others."""
    asked = ask()
    own = {name for name in asked.values if not name.startswith(config_manual.REPEATED)}
    assert own == config_manual.SETTINGS.keys()
    assert {name.rpartition(".")[0] for name in own} | {"defaults"} == config_manual.TABLES.keys()


def test_settings_of_several_vms_are_those_of_one_or_refused(tmp_path: Path) -> None:
    """Nothing that is looked for is a setting that the manual does not know."""
    asked = ask()
    path = tmp_path / "c.toml"
    for name in asked.looked_for | {name for name in asked.values if name.startswith("defaults.")}:
        table, _, key = name.rpartition(".")
        if name in config_manual.SETTINGS:
            continue
        path.write_text(f"[{table}]\n{key} = 1\n")
        try:
            load_config(path)
            complaint = ""
        except ConfigError as error:
            complaint = str(error)
        if "is no more" not in complaint and "is for one VM" not in complaint:
            assert key in re.findall(r"[a-z-]+", config_manual.TABLES["defaults"])
            assert f"vms.NAME.{key}" in config_manual.SETTINGS


def test_the_manual_has_every_source() -> None:
    assert config_manual.SOURCES.keys() == OURS.keys()
    page = config_manual.page().replace("\\-", "-")
    for option in OPTIONS:
        assert f",{option}=" in page
    for forms in config_manual.SOURCES.values():
        assert all(form in page for form, _ in forms)


def test_the_manuals_example_loads(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(config_manual.EXAMPLE)
    assert load_config(path).gateway.port == 3389


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_the_manual_is_good_roff() -> None:
    for page in sorted((PACKAGING / "man").iterdir()):
        checked = subprocess.run(
            ["groff", "-man", "-ww", "-z", page], capture_output=True, text=True, check=True
        )
        assert checked.stderr == ""


def test_versions_with_known_holes_are_not_taken() -> None:
    """Of what reads a stranger's bytes before anybody has logged on, or a server's pictures."""
    project = tomllib.loads((PACKAGING.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["jpeg"]]
    floors = dict(line.split(">=") for line in wanted)
    for name, floor in (("pyasn1", (0, 6, 4)), ("cryptography", (44, 0, 1)), ("pillow", (10, 3, 0))):
        assert tuple(map(int, floors[name].split("."))) >= floor
