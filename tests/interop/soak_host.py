"""A daemon and processes full of VMs that register with it, all started and stopped by us."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from pyrdpmux.files.sam_file import set_password
from pyrdpmux.harness.programs import Program, free_port
from pyrdpmux.mux.control.client import ask
from tests.interop.soak_guests import FRAME_SECONDS, MAX_VMS, first_vm_id, names_of
from tests.interop.soak_viewers import PASSWORD, USER

ROOT: Final = Path(__file__).parents[2]

#: all visitors share one address, so the strangers' wrong passwords must not shut out the others
CONFIGURATION: Final = """
[security]
nla = true
tls = true

[limits]
failed-logons-per-minute = 0
"""


class House:
    """A process with some of the VMs."""

    def __init__(
        self, bus: str, folder: Path, first: int, count: int, frame_seconds: float = FRAME_SECONDS
    ) -> None:
        self.vm_ids = range(first_vm_id() + first, first_vm_id() + first + count)
        self.running = set(self.vm_ids)
        self._arguments = (bus, folder, self.vm_ids[0], count, frame_seconds)
        self._process: asyncio.subprocess.Process | None = None
        self._log = folder / f"house-{first}.log"

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.interop.soak_guests",
                *[str(argument) for argument in self._arguments],
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        try:
            assert await self._answer() == "ready"
        except BaseException:
            await self.kill()
            raise
        self.running = set(self.vm_ids)

    async def tell(self, command: str, argument: int = 0) -> Any:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([command, argument]).encode() + b"\n")
        return await self._answer()

    async def kill(self) -> None:
        """All its VMs die at once."""
        assert self._process is not None
        self._process.kill()
        await self._process.communicate()

    async def stop(self) -> None:
        """Its VMs say goodbye."""
        if self._process is not None and self._process.returncode is None:
            async with asyncio.timeout(20):
                await self._process.communicate(b"")

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    async def _answer(self) -> Any:
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            line = await self._process.stdout.readline()
        assert line, f"a process of VMs has ended:\n{self.log}"
        return json.loads(line)


class DaemonProgram:
    """`pyrdpmux serve`, and what it says of itself."""

    def __init__(self, folder: Path, bus: str, profile: Path | None = None) -> None:
        self.port = free_port()
        self.log = folder / "daemon.log"
        self.guests = folder / "run" / "guests"
        self._state = folder / "state"
        config = folder / "pyrdpmux.toml"
        for directory in (self._state, folder / "run"):
            directory.mkdir()
        config.write_text(CONFIGURATION)
        set_password(self._state / "accounts.sam", USER, "", PASSWORD)
        profiler: list[str | Path] = ["-m", "cProfile", "-o", profile] if profile is not None else []
        command: list[str | Path] = [sys.executable, *profiler, "-m", "pyrdpmux", "serve", "--bus", bus]
        command += ["--state-dir", self._state, "--config", config, "--port", str(self.port)]
        self.program = Program(command, self.log, {"RUNTIME_DIRECTORY": str(folder / "run")})

    async def ask(self, command: str) -> Any:
        return await asyncio.to_thread(ask, self._state / "control.sock", command)

    async def ports(self) -> dict[int, int]:
        """By the id of the VM."""
        told = {vm["name"]: vm["port"] for vm in (await self.ask("vms"))["vms"]}
        first = first_vm_id()
        ids = range(first, first + MAX_VMS)
        return {vm_id: told[name] for vm_id in ids for name in names_of(vm_id) if name in told}


@asynccontextmanager
async def serving(folder: Path, bus: str, profile: Path | None = None) -> AsyncIterator[DaemonProgram]:
    """Ready for VMs. ``profile``: where to write what cProfile finds."""
    daemon = DaemonProgram(folder, bus, profile)
    with daemon.program:
        await asyncio.to_thread(daemon.program.wait_for_output, "Ready", 30)
        yield daemon
