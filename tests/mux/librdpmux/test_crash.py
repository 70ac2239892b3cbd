"""The daemon as a process that is killed: a VM of the original's kind is there again with the next one."""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyrdpmux.mux.control.client import Answer, ask
from pyrdpmux.mux.librdpmux.bus import BUS_NAME, INTERFACE, OBJECT_PATH, call, connect_bus
from pyrdpmux.mux.librdpmux.records import FILE_NAME
from pyrdpmux.mux.librdpmux.shared_memory import SHARED_MEMORY, object_name
from pyrdpmux.mux.librdpmux.socket_directory import make_socket_directory
from tests.mux.librdpmux.test_dbus_service import disconnect, start_daemon, stop_daemon
from tests.mux.support.fake_host import until
from tests.mux.support.library import ZeroMqLibrary
from tests.rows import unhex

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")

UUID = "6b8b4567-327b-23c6-643c-986966334873"
SECONDS = 20.0


@contextmanager
def daemon(directory: Path) -> Iterator["subprocess.Popen[str]"]:
    """Ready; killed at the end of the block, if it is still there."""
    options = ["--bus", f"unix:path={directory / 'bus'}", "--state-dir", str(directory), "--port", "25200"]
    command = [sys.executable, "-m", "pyrdpmux", "serve", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(SECONDS, process.kill)
        watchdog.start()
        try:
            assert process.stderr is not None
            assert any("Ready" in line for line in process.stderr)
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def the_vm(directory: Path) -> Answer:
    [vm] = ask(directory / "control.sock", "vms")["vms"]
    assert isinstance(vm, dict)
    return vm


def test_a_vm_outlives_the_daemons_death(tmp_path: Path) -> None:
    bus = start_daemon(tmp_path)
    vm_id = secrets.randbelow(2**31 - 1)
    memory = SHARED_MEMORY / object_name(vm_id)
    memory.write_bytes(bytes(800 * 600 * 4))

    async def scenario() -> None:
        caller = await connect_bus(f"unix:path={tmp_path / 'bus'}")
        with daemon(tmp_path) as process:
            arguments = (vm_id, 5, UUID, 25205, "")
            (endpoint,) = await call(
                caller, BUS_NAME, OBJECT_PATH, INTERFACE, "Register", "iisqs", *arguments
            )
            library = ZeroMqLibrary(endpoint, UUID)
            await library.send("94 02 ce20020888 cd0320 cd0258")
            await until(lambda: the_vm(tmp_path)["width"] == 800, SECONDS)
            # written down a moment after it is shown
            await until(lambda: "800, 600" in (tmp_path / FILE_NAME).read_text(), SECONDS)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        with daemon(tmp_path):
            greeting = await library.receive()
            assert greeting[:3] == unhex("93 05 01"), "it knows where the VM is, which has said nothing"
            vm = the_vm(tmp_path)
            assert (vm["name"], vm["port"], vm["is_running"]) == (UUID, 25205, True)
            await until(lambda: the_vm(tmp_path)["width"] == 800, SECONDS)
            await library.send("91 06")
            await until(lambda: not ask(tmp_path / "control.sock", "vms")["vms"], SECONDS)
        library.close()
        await disconnect(caller)

    try:
        asyncio.run(scenario())
    finally:
        memory.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            make_socket_directory(tmp_path).rmdir()
        stop_daemon(bus)
