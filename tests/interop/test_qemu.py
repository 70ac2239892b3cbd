"""Stock QEMU of Debian, shown to real clients: its own screendump is what they must see, pixel for pixel."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

import pytest

from pyrdpmux.harness.programs import Program, ProgramError, free_port, wait_until
from pyrdpmux.mux.admission.identities import load_certificate
from pyrdpmux.mux.qemu.bus import call_daemon, connect_bus
from pyrdpmux.rdp.pdu.input import (
    ExtendedMouseEvent,
    ExtendedPointerFlags,
    InputEvent,
    KeyboardEvent,
    KeyboardFlags,
    MouseEvent,
    PointerFlags,
    wheel_flags,
)
from tests.interop.client import Client, xfreerdp
from tests.interop.conftest import Start
from tests.interop.qemu import (
    GRUB,
    MEMTEST,
    PASSWORD,
    PATIENCE,
    QEMU,
    USER,
    Daemon,
    Qemu,
    grub,
    striped_floppy,
)
from tests.mux.qemu.bus_daemon import bus_daemon
from tests.mux.rdp_client import connected

pytestmark = [
    pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"not installed: {QEMU}"),
    pytest.mark.skipif(not GRUB.exists(), reason=f"not installed: {GRUB}"),
]

MENU: Final = "Change the colors"
PROMPT: Final = "grub>"
ASKS: Final = 250
BLOCK_SECONDS: Final = 3.0
"""Longer than it takes to ask so often, on a machine that has time."""

LATENCY_LIMIT: Final = 0.05
"""What a monitor command may take, because of us."""

#: Asks two monitors in turn, in a process of its own: our interpreter's lock is not QEMU's trouble.
ASK: Final = """
import json, socket, sys, time
def ask(command, monitor, lines):
    begin = time.monotonic()
    monitor.sendall(json.dumps({"execute": command}).encode() + b"\\n")
    while b'"return"' not in lines.readline():
        pass
    return time.monotonic() - begin
both = []
for path in sys.argv[2:]:
    monitor = socket.socket(socket.AF_UNIX)
    monitor.connect(path)
    both.append((monitor, monitor.makefile("rb")))
    both[-1][1].readline()
    ask("qmp_capabilities", *both[-1])
times = [], []
for _ in range(int(sys.argv[1])):
    for one, asked in zip(both, times):
        asked.append(ask("query-status", *one))
    time.sleep(0.005)
print(json.dumps(times))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: those of unix sockets have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="qemu-") as name:
        yield Path(name)


class Machine:
    """QEMU, the daemon that shows it, and what a person sees of it."""

    def __init__(self, qemu: Qemu, client: Client) -> None:
        self.qemu = qemu
        self.client = client

    def type(self, text: str, *keys: str) -> None:
        self.client.focus()
        self.client.display.type(text)
        for key in keys:
            self.client.display.key(key)

    def wait_for_screendump(self) -> None:
        """The text cursor blinks, so that it may take two looks."""

        def same() -> bool:
            expected = self.qemu.screendump()
            try:
                seen = self.client.picture()
            except ProgramError:  # its window is being made anew
                return False
            return expected.shape == seen.shape and bool((expected == seen).all())

        wait_until(same, PATIENCE, "the screendump in the client's window")


def test_grub_in_xfreerdp(folder: Path, start: Start) -> None:
    """Text, keys, graphics and back; then QEMU is killed and started again under the same viewer."""
    with Daemon(folder, sockets=[str(folder / "*.sock")]) as daemon:
        with grub(folder) as qemu:
            port = daemon.wait_for_vm()
            client = start(xfreerdp(port, "nla"))
            person = Machine(qemu, client)
            qemu.wait_for_text(MENU)
            person.wait_for_screendump()
            person.type("c")
            qemu.wait_for_text(PROMPT)
            person.type("ls")
            qemu.wait_for_text(f"{PROMPT} ls")
            person.type("", "Return")
            qemu.wait_for_text("(cd,msdos1)")
            person.wait_for_screendump()
            person.type("insmod vbe", "Return")
            person.type("videotest 800x600", "Return")
            wait_until(lambda: qemu.screendump().shape == (600, 800, 3), PATIENCE, "graphics mode")
            person.wait_for_screendump()
            person.type("", "Escape")
            wait_until(lambda: qemu.screendump().shape == (400, 720, 3), PATIENCE, "text mode")
            person.wait_for_screendump()
        wait_until(lambda: not daemon.is_running(), PATIENCE, "the loss of the VM")
        with grub(folder) as qemu:
            assert daemon.wait_for_vm() == port
            qemu.wait_for_text(MENU)
            Machine(qemu, client).wait_for_screendump()
            assert client.program.is_running


#: RDP scancode from which on, extended or not, and QEMU's names of the keys
KEYS: Final = (
    (0x01, False, "esc 1 2 3 4 5 6 7 8 9 0 minus equal backspace tab q w e r t y u i o p bracket_left"),
    (0x1B, False, "bracket_right ret ctrl a s d f g h j k l semicolon apostrophe grave_accent shift"),
    (0x2B, False, "backslash z x c v b n m comma dot slash shift_r kp_multiply alt spc caps_lock"),
    (0x3B, False, "f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 num_lock scroll_lock kp_7 kp_8 kp_9 kp_subtract"),
    (0x4B, False, "kp_4 kp_5 kp_6 kp_add kp_1 kp_2 kp_3 kp_0 kp_decimal print"),
    (0x56, False, "less f11 f12 kp_equals"),
    (0x70, False, "katakanahiragana"),
    (0x73, False, "ro"),
    (0x79, False, "henkan"),
    (0x7B, False, "muhenkan"),
    (0x7D, False, "yen"),
    (0xF1, False, "lang2 lang1"),
    (0x1C, True, "kp_enter ctrl_r"),
    (0x35, True, "kp_divide"),
    (0x37, True, "print alt_r"),
    (0x47, True, "home up pgup"),
    (0x4B, True, "left"),
    (0x4D, True, "right"),
    (0x4F, True, "end down pgdn insert delete"),
    (0x5B, True, "meta_l meta_r compose"),
)


def test_every_key_and_button_as_qemu_traces_it(folder: Path) -> None:
    """From a client's events to QEMU's own account of what its guest is told."""
    trace = folder / "trace.log"
    keys = [
        (code, extended, name)
        for first, extended, names in KEYS
        for code, name in enumerate(names.split(), start=first)
    ]
    mouse: list[InputEvent] = [
        MouseEvent(PointerFlags.MOVE, 100, 100),
        MouseEvent(PointerFlags.MOVE, 103, 96),
        MouseEvent(PointerFlags.BUTTON2 | PointerFlags.DOWN, 103, 96),
        MouseEvent(PointerFlags.BUTTON2, 103, 96),
        ExtendedMouseEvent(ExtendedPointerFlags.BUTTON1 | ExtendedPointerFlags.DOWN, 103, 96),
        ExtendedMouseEvent(ExtendedPointerFlags.BUTTON1, 103, 96),
        MouseEvent(wheel_flags(120, PointerFlags.WHEEL), 0, 0),
    ]
    pause = [
        KeyboardEvent(flags | prefix, code)
        for flags in (KeyboardFlags(0), KeyboardFlags.RELEASE)
        for prefix, code in ((KeyboardFlags.EXTENDED1, 0x1D), (KeyboardFlags(0), 0x45))
    ]

    async def look(port: int) -> None:
        async with connected(port, user=USER, password=PASSWORD) as client:
            await client.until(lambda: client.is_active and bool(client.bitmaps))
            for code, extended, _ in keys:
                prefix = KeyboardFlags.EXTENDED if extended else KeyboardFlags(0)
                client.connection.send_input([KeyboardEvent(prefix, code)])
                client.connection.send_input([KeyboardEvent(prefix | KeyboardFlags.RELEASE, code)])
            client.connection.send_input(pause)
            client.connection.send_input(mouse)
            client.flush()
            async with asyncio.timeout(PATIENCE):
                while "wheel-up, down 0" not in trace.read_text():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)

    options = ["-trace", "input_event_*", "-D", str(trace)]
    with grub(folder, *options) as qemu, Daemon(folder, machines={"vm": str(qemu.socket)}) as daemon:
        asyncio.run(look(daemon.wait_for_vm()))
    told = [line.partition(" con 0, ")[2] for line in trace.read_text().splitlines() if " con 0, " in line]
    assert [line for line in told if line.startswith("key")] == [
        f"key qcode {name}, down {down}" for name in [*(key[2] for key in keys), "pause"] for down in (1, 0)
    ]
    assert [line for line in told if not line.startswith("key")] == [
        "axis x, value 3",
        "axis y, value -4",
        "button right, down 1",
        "button right, down 0",
        "button side, down 1",
        "button side, down 0",
        "button wheel-up, down 1",
        "button wheel-up, down 0",
    ]


def test_the_monitor_never_waits_for_us(folder: Path) -> None:
    """Stripes over the whole screen, a viewer that reads nothing, and then a daemon that does nothing.

    Another QEMU shows the same to somebody who reads all of it: what a busy machine does to both, we do not.
    """
    floppy, others = striped_floppy(folder / "stripes.img"), folder / "other"
    others.mkdir()
    with striped_qemu(folder, floppy) as qemu, striped_qemu(others, floppy) as other:
        monitors = folder / "ask.qmp", others / "ask.qmp"
        shown, read = ({"vm": f"unix:{machine.socket}"} for machine in (qemu, other))
        with Daemon(folder, machines=shown) as daemon, Daemon(others, machines=read) as reader:
            with looked_at(reader), looked_at(daemon, stalls=True):
                before = qemu.resident_bytes
                stalled = ask(*monitors)
                daemon.loop.call_soon_threadsafe(time.sleep, BLOCK_SECONDS)
                blocked = ask(*monitors)
                grown = qemu.resident_bytes - before
            qemu.monitor.execute("stop")
            daemon.wait_for_screendump(qemu)
    for name, (times, usual) in (("stalled", stalled), ("blocked", blocked)):
        print(f"{name}: {len(times)} times, median {median(times):.4f} s, longest {max(times):.4f} s")
        print(f"read: median {median(usual):.4f} s, longest {max(usual):.4f} s")
        late = [seconds for seconds in times if seconds > LATENCY_LIMIT + max(usual)]
        assert len(late) <= len(times) // 100, (max(usual), sorted(times)[-5:])
        assert median(times) < LATENCY_LIMIT / 5 + median(usual)
    assert grown < 32 << 20, f"QEMU has grown by {grown} bytes: what we do not read piles up there"


@contextmanager
def striped_qemu(folder: Path, floppy: Path) -> Iterator[Qemu]:
    """It shows the stripes, and can be asked at ``ask.qmp``."""
    options = ["-vga", "std", "-drive", f"file={floppy},format=raw,if=floppy,readonly=on"]
    with Qemu(folder, *options, "-qmp", f"unix:{folder / 'ask.qmp'},server=on,wait=off") as qemu:
        wait_until(lambda: qemu.screendump().shape == (400, 640, 3), PATIENCE, "the stripes")
        yield qemu


def ask(*monitors: Path) -> tuple[list[float], list[float]]:
    """The seconds that each of many query-status took, of both."""
    argv = [sys.executable, "-c", ASK, str(ASKS), *map(str, monitors)]
    ours, others = json.loads(
        subprocess.run(argv, capture_output=True, check=True, timeout=3 * PATIENCE).stdout
    )
    return ours, others


@contextmanager
def looked_at(daemon: Daemon, *, stalls: bool = False) -> Iterator[None]:
    """By a client that has become active, and reads what comes, or nothing more."""
    port = daemon.wait_for_vm()
    done = asyncio.Event()

    async def look(ready: asyncio.Event) -> None:
        async with connected(port, user=USER, password=PASSWORD) as client:
            await client.until(lambda: bool(client.bitmaps))
            if stalls:
                client.stop_reading()
            ready.set()
            await done.wait()

    async def begin() -> "asyncio.Task[None]":
        ready = asyncio.Event()
        task = asyncio.get_running_loop().create_task(look(ready))
        await asyncio.wait_for(ready.wait(), PATIENCE)
        return task

    async def end(task: "asyncio.Task[None]") -> None:
        done.set()
        await task

    task = daemon.do(begin())
    yield
    daemon.do(end(task))


def test_memtest_on_one_of_two_heads(folder: Path) -> None:
    """Firmware draws on the first output of a virtio-vga only, and that is all of the VM then."""
    options = ["-device", "virtio-vga,max_outputs=2", "-kernel", str(MEMTEST)]
    with Qemu(folder, *options) as qemu, Daemon(folder, machines={"vm": f"unix:{qemu.socket}"}) as daemon:
        daemon.wait_for_vm("vm")
        qemu.wait_for_text("Memtest86+")
        qemu.monitor.execute("stop")
        daemon.wait_for_screendump(qemu)
        assert not daemon.is_running("vm:1")


@pytest.fixture
def bus(folder: Path) -> Iterator[str]:
    with bus_daemon(folder) as address:
        yield address


def test_a_bus(folder: Path, bus: str) -> None:
    """-display dbus on a bus: found by the bus alone, and by the monitor, which names it."""
    with grub(folder, display=f"dbus,addr={bus}") as qemu:
        machines = {"vm": f"dbus:{bus}"}
        with Daemon(folder, machines=machines) as daemon:
            daemon.wait_for_vm()
            qemu.wait_for_text(MENU)
            daemon.wait_for_screendump(qemu)
        with Daemon(folder, machines={"vm": str(qemu.socket)}) as daemon:
            daemon.wait_for_vm()
            daemon.wait_for_screendump(qemu)
            qemu.program.kill()
            wait_until(lambda: not daemon.is_running(), PATIENCE, "the loss of the VM")


def test_libvirt_starts_its_helper(folder: Path, bus: str) -> None:
    """The command lines and calls of libvirt's qemu_rdp.c, around a QEMU on the VM's private bus."""
    executable = Path(sys.executable).with_name("pyrdpmux-libvirt")
    helper = [executable] if executable.exists() else [sys.executable, "-m", "pyrdpmux.mux.libvirt"]
    probe = subprocess.run([*helper, "--print-capabilities"], capture_output=True, check=True)
    assert "dbus-address" in json.loads(probe.stdout)["features"]
    found = load_certificate(folder / "pki")
    port = free_port()
    command = [*helper, f"--dbus-address={bus}", "serve", "--bind-address", f"127.0.0.1:{port}"]
    command += [f"--cert={found.certificate_path}", f"--key={found.key_path}"]
    with (
        Program(command, folder / "helper.log") as program,
        grub(folder, display=f"dbus,addr={bus}") as qemu,
    ):
        asyncio.run(as_libvirt(bus, port, qemu, program))


async def as_libvirt(bus: str, port: int, qemu: Qemu, program: Program) -> None:
    reasons: list[str] = []
    libvirt = await connect_bus(bus)
    libvirt.on_signal = lambda message: reasons.extend(message.body)
    match = "type='signal',interface='org.QemuDisplay.RDP',member='Leaving',path='/org/qemu_display/rdp'"
    await call_daemon(libvirt, "AddMatch", "s", match)
    path, interface = "/org/qemu_display/rdp", "org.QemuDisplay.RDP"
    async with asyncio.timeout(PATIENCE):
        while not (await call_daemon(libvirt, "NameHasOwner", "s", interface))[0]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    credentials = (USER, PASSWORD, "")
    await libvirt.call(path, interface, "SetCredentials", "sss", *credentials, destination=interface)
    qemu.wait_for_text(MENU)
    async with connected(port, user=USER, password=PASSWORD) as client:
        await client.until(lambda: client.picture.shape[:2] == qemu.screendump().shape[:2])
        async with asyncio.timeout(PATIENCE):
            while not (client.picture[..., 2::-1] == qemu.screendump()).all():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    async with connected(port, user=USER, password="wrong") as client:
        await client.until(lambda: client.is_closed)
        assert not client.bitmaps
    program.signal(signal.SIGTERM)
    assert program.wait(PATIENCE) == 0
    async with asyncio.timeout(PATIENCE):
        while not reasons:  # noqa: ASYNC110 (nothing there to hook an Event into)
            await asyncio.sleep(0.01)
    assert reasons == ["it was stopped"]
    libvirt.close()
