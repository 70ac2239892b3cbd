"""``examples/python_vm.py``, as a person would use it."""

import asyncio
import importlib.util
import shutil
from pathlib import Path

import pytest

from pyrdpmux.mux.backend import Button
from pyrdpmux.mux.librdpmux.backend import LibrdpmuxBackend
from tests.mux.librdpmux.test_dbus_service import start_daemon, stop_daemon
from tests.mux.support.fake_host import FakeHost, until

EXAMPLE = Path(__file__).parents[3] / "examples" / "python_vm.py"


@pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")
def test_the_example_draws_and_ends(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("python_vm", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    daemon = start_daemon(tmp_path)
    address = f"unix:path={tmp_path / 'bus'}"

    async def scenario() -> None:
        host = FakeHost()
        backend = LibrdpmuxBackend(address)
        await backend.start(host)
        async with asyncio.TaskGroup() as group:
            group.create_task(example.main(address))
            await until(lambda: bool(host.vms))
            [vm] = host.vms.values()
            await until(lambda: vm.screen.width == 800)
            vm.input.button(Button.LEFT, down=True, x=100, y=50)
            await until(lambda: vm.screen.pixels[50, 100, :3].tolist() == [0, 0, 255])
            assert vm.screen.pixels[0, 0, :3].tolist() == [255, 255, 255]
            vm.input.key(0x01, extended=False, extended1=False, down=True)
        await until(lambda: not host.vms)
        await backend.stop()

    try:
        asyncio.run(scenario())
    finally:
        stop_daemon(daemon)
