"""A registration that is refused leaves nothing behind: not its accounts at a VM of another source."""

import asyncio
import os
from pathlib import Path

import pytest

from pyrdpmux.errors import BackendError
from pyrdpmux.files.sam_file import set_password
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.librdpmux.registration import Registration
from pyrdpmux.mux.librdpmux.server import LibrdpmuxServer
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.settings.config import Config
from tests.mux.recording_sink import RecordingSink


def test_accounts_of_a_refused_registration_do_not_count(certificate_directory: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        config = Config(certificate_dir=certificate_directory, state_dir=tmp_path, port=0)
        factory = ConnectionFactory(config)
        registry = Registry(config, factory)
        server = LibrdpmuxServer(
            directory=tmp_path,
            shared_memory=tmp_path,
            access=factory,
            schedule=factory.schedule,
            files=factory.files,
        )
        await server.start(registry.for_publisher(server))
        vm = await registry.for_publisher("qemu").add_vm("vm-5", input=RecordingSink())
        console = registry.find("vm-5")
        assert console is not None
        before = factory.accounts.in_force(console)
        sam = tmp_path / "mallory"
        set_password(sam, "mallory", "", "secret")
        seen: list[str] = []
        factory.watch(seen.append)
        thief = Registration(vm_id=5, uid=os.getuid(), accounts=sam)
        try:
            with pytest.raises(BackendError):
                await server.register(thief)
            assert factory.accounts.in_force(console) == before, "the thief's file opens the VM of another"
            assert not factory.insists_on_proof("vm-5")
            assert not seen  # not for a moment: nobody who looks has to go
        finally:
            await registry.remove_vm(vm, "done")
            await server.stop()
            await registry.close("done")

    asyncio.run(asyncio.wait_for(scenario(), 30))
