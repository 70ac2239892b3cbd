"""The daemon under attack, as it is in production: ``pyrdpmux serve`` on a bus of its own, with two VMs.

VM A is alice's and VM B is mallory's, each with rights on that one only. HOSTILE_BASE=1 leaves settings out
that a daemon from before these defenses does not know.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pyrdpmux.files.sam_file import set_password
from pyrdpmux.harness.programs import Program, free_port
from pyrdpmux.mux.control.client import ask
from pyrdpmux.mux.librdpmux.bus import BUS_NAME
from pyrdpmux.mux.librdpmux.shared_memory import SHARED_MEMORY
from tests.hostile.observer import Observer
from tests.mux.support.public_directory import public_directory

ROOT: Final = Path(__file__).parents[2]
START_SECONDS: Final = 30.0
ANSWER_SECONDS: Final = 60.0
GOODBYE_SECONDS: Final = 5.0
STEP_SECONDS: Final = 0.02

IS_BASE: Final = os.environ.get("HOSTILE_BASE") == "1"
NEW_SETTINGS: Final = {
    "limits": ("pending", "exempt-networks", "attempts-per-second"),
    "librdpmux": ("guests-per-uid",),
    "vms": ("uid",),
}
"""What a daemon from before does not know, by table."""

ALICE: Final[dict[str, Any]] = {"user": "alice", "password": "of the first"}
MALLORY: Final[dict[str, Any]] = {"user": "mallory", "password": "of the second"}

VMS_PER_PROCESS: Final = 100_000
A: Final = os.getpid() % 20_000 * VMS_PER_PROCESS
"""The numbers of the two VMs; their shared memory has one name on the whole machine."""

B: Final = A + 1

BUS: Final = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>org.rdpmux.test</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/>
<allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
<limit name="max_connections_per_user">4096</limit>
</busconfig>"""

Table = Mapping[str, Any]


def uuid_of(vm_id: int) -> str:
    return f"{vm_id:08x}-4057-4000-8000-000000000000"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What differs from test to test."""

    limits: Table = field(default_factory=dict)
    security: Table = field(default_factory=dict)
    librdpmux: Table = field(default_factory=dict)
    #: by name, on top of those of the two
    vms: Mapping[str, Table] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    #: of the daemon, at most; None: as many as we may have
    descriptors: int | None = None
    #: the module that is run
    module: str = "pyrdpmux"
    #: where all listen; None: where they do by default
    bind: str | None = None
    #: whether VM A and VM B are there
    has_vms: bool = True


def configuration(settings: Settings, gateway: int) -> str:
    """The TOML file."""
    own = {uuid_of(A): {"users": [ALICE["user"]]}, uuid_of(B): {"users": [MALLORY["user"]]}}
    tables: dict[str, Table] = {
        "gateway": {"port": gateway},
        "limits": _known("limits", settings.limits),
        "security": _known("security", settings.security),
        "librdpmux": _known("librdpmux", settings.librdpmux),
    }
    for name, vm in {**own, **settings.vms}.items():
        tables[f"vms.{json.dumps(name)}"] = _known("vms", vm)
    head = _bare({"bind": settings.bind}) if settings.bind is not None else ""
    return head + "".join([_toml(name, table) for name, table in tables.items() if table or "vms." in name])


def _known(name: str, table: Table) -> Table:
    unknown = NEW_SETTINGS.get(name, ()) if IS_BASE else ()
    return {key: value for key, value in table.items() if key not in unknown}


def _toml(name: str, table: Table) -> str:
    return f"[{name}]\n{_bare(table)}\n"


def _bare(table: Table) -> str:
    """TOML's texts, numbers, truths and lists are JSON's."""
    return "".join([f"{key} = {json.dumps(value)}\n" for key, value in table.items()])


class HouseProgram:
    """A process with guests, see :mod:`.house`."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log

    async def tell(self, command: str, argument: Any = None) -> Any:
        """Its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([command, argument]).encode() + b"\n")
        return await self.answer()

    async def add(self, vm_id: int, **identity: Any) -> str:
        """Register a VM: why it was refused, or nothing."""
        told = await self.tell("add", {"vm_id": vm_id, "uuid": uuid_of(vm_id)} | identity)
        refusal = str(told.get("refused", ""))
        assert not refusal or refusal.startswith(BUS_NAME), f"not the daemon's refusal: {refusal}"
        return refusal

    async def heard(self, vm_id: int) -> dict[str, Any]:
        """What has reached this VM."""
        told: dict[str, Any] = await self.tell("heard", vm_id)
        return told

    async def answer(self) -> Any:
        assert self._process.stdout is not None
        async with asyncio.timeout(ANSWER_SECONDS):
            line = await self._process.stdout.readline()
        assert line, f"the guests' process has ended:\n{self._log.read_text(errors='replace')}"
        return json.loads(line)

    def kill(self) -> None:
        """All of its VMs die at once."""
        self._process.kill()

    async def stop(self) -> None:
        """Its VMs say goodbye, if they still can."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._process.communicate(b"")
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class Target:
    """A daemon that runs, and what belongs to it."""

    def __init__(self, folder: Path, bus: str, settings: Settings) -> None:
        self.folder = folder
        self.bus = bus
        self.gateway = free_port()
        self.state = folder / "state"
        self.runtime = folder / "run"
        self.config = folder / "pyrdpmux.toml"
        self.accounts = self.state / "accounts.sam"
        self._stack = AsyncExitStack()
        self._houses = 0
        for directory in (self.state, self.runtime):
            directory.mkdir()
        self.runtime.chmod(0o711)
        self.configure(settings)
        for account in (ALICE, MALLORY):
            set_password(self.accounts, account["user"], "", account["password"])
        self.program = self._start(settings)
        self.observer = Observer(self.program.pid, self.program.log)
        self.house: HouseProgram

    def _start(self, settings: Settings) -> Program:
        limit = f"--nofile={settings.descriptors}:{settings.descriptors}"
        command: list[str | Path] = ["prlimit", limit] if settings.descriptors is not None else []
        command += [sys.executable, "-m", settings.module, "serve", "--bus", self.bus, "--port"]
        command += [str(free_port()), "--state-dir", self.state, "--config", self.config, *settings.options]
        return Program(command, self.folder / "daemon.log", {"RUNTIME_DIRECTORY": str(self.runtime)})

    def configure(self, settings: Settings) -> None:
        """Write the file, which a reload reads."""
        self.config.write_text(configuration(settings, self.gateway))

    async def start(self, settings: Settings) -> None:
        await asyncio.to_thread(self.program.wait_for_output, "Ready", START_SECONDS)
        self.house = await self.open_house()
        if settings.has_vms:
            for vm_id in (A, B):
                refusal = await self.house.add(vm_id)
                assert not refusal, refusal
            await self.until_running(uuid_of(A))
            await self.until_running(uuid_of(B))

    async def stop(self) -> None:
        await self._stack.aclose()
        await asyncio.to_thread(self.program.stop)
        for left in SHARED_MEMORY.glob("*.rdpmux"):
            if A <= int(left.stem) < A + VMS_PER_PROCESS:
                left.unlink(missing_ok=True)

    async def open_house(self, uid: int | None = None) -> HouseProgram:
        """Another process for guests; of this user, which takes root."""
        self._houses += 1
        log = self.folder / f"house-{self._houses}.log"
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.hostile.house",
                self.bus,
                str(os.geteuid() if uid is None else uid),
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=1 << 24,
            )
        house = HouseProgram(process, log)
        self._stack.push_async_callback(house.stop)
        assert await house.answer() == "ready"
        return house

    async def ask(self, command: str) -> Any:
        """The control socket."""
        return await asyncio.to_thread(ask, self.state / "control.sock", command)

    async def vms(self) -> dict[str, dict[str, Any]]:
        """By name."""
        return {vm["name"]: vm for vm in (await self.ask("vms"))["vms"]}

    async def port(self, vm_id: int) -> int:
        """Of this VM's own console."""
        port: int = (await self.vms())[uuid_of(vm_id)]["port"]
        return port

    async def until_running(self, name: str) -> None:
        async def is_running() -> bool:
            return bool((await self.vms()).get(name, {}).get("status") == "running")

        await eventually(is_running)

    def set_password(self, path: Path, account: Mapping[str, str], uid: int | None = None) -> None:
        """A SAM file of somebody's own."""
        set_password(path, account["user"], "", account["password"])
        if uid is not None:
            shutil.chown(path, uid, uid)


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = START_SECONDS) -> None:
    """Ask again and again, for what no event tells. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 (nothing there to hook an Event into)
            await asyncio.sleep(STEP_SECONDS)


@contextmanager
def _bus(folder: Path) -> Iterator[str]:
    """A bus that processes of all users may use."""
    path = folder / "bus"
    configuration = folder / "bus.conf"
    configuration.write_text(BUS.format(socket=path))
    command = ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"]
    with (
        (folder / "bus.log").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as daemon,
    ):
        try:
            assert daemon.stdout is not None
            assert daemon.stdout.readline()
            yield f"unix:path={path}"
        finally:
            daemon.terminate()


@asynccontextmanager
async def running(settings: Settings | None = None) -> AsyncIterator[Target]:
    """Started, with its VMs; stopped at the end, whatever state it is in."""
    settings = settings or Settings()
    with public_directory() as folder, _bus(folder) as bus:
        target = Target(folder, bus, settings)
        try:
            await target.start(settings)
            yield target
        finally:
            await target.stop()
