"""As many VMs as there may be, with all their sockets; and more than there are descriptors for."""

import asyncio
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux.mux.librdpmux.claims import GUESTS_PER_UID
from pyrdpmux.mux.librdpmux.registered_guest import DESCRIPTORS
from pyrdpmux.mux.librdpmux.registration import Registration, RegistrationRefused
from pyrdpmux.mux.librdpmux.server import LibrdpmuxServer
from tests.mux.support.fake_host import FakeHost
from tests.mux.support.public_directory import public_directory

KIB = 1024


def run(version: int, count: int, limit: int, certificates: Path) -> dict[str, Any]:
    with public_directory() as directory:
        command = [sys.executable, "-m", "tests.mux.librdpmux.many_guests"]
        arguments = [str(version), str(count), str(limit), str(directory), str(certificates)]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=False, timeout=120
        )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    print(result)
    return result


@pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 10_000,
    reason="needs 10,000 descriptors, by the hard limit",
)
@pytest.mark.parametrize("version", [2, 5])
def test_a_thousand_vms(version: int, certificate_directory: Path) -> None:
    result = run(version, GUESTS_PER_UID, 10_000, certificate_directory)
    assert (result["registered"], result["shown"], result["refused"]) == (1000, 1000, [])
    assert result["descriptors"] <= DESCRIPTORS
    assert result["memory"] <= 512 * KIB
    assert result["answered"] == [True] * 3


@pytest.mark.parametrize("version", [2, 5])
def test_ports_are_answered_when_descriptors_are_short(version: int, certificate_directory: Path) -> None:
    result = run(version, 250, 1024, certificate_directory)
    assert 90 <= result["registered"] < 150
    assert result["shown"] == result["registered"], "who is registered has what it needs"
    assert result["refused"] == [
        "no descriptors left for another VM of the 1024 that there are: raise LimitNOFILE"
    ]
    assert result["free"] >= 200
    assert result["answered"] == [True] * 3
    assert result["lines"] == 0


def test_a_quota_for_each_user(tmp_path: Path) -> None:
    async def scenario() -> None:
        server = LibrdpmuxServer(directory=tmp_path, shared_memory=tmp_path, guests_per_uid=3)
        await server.start(FakeHost())

        async def register(number: int, uid: int = os.getuid()) -> None:
            await server.register(Registration(vm_id=number, owner=f":1.{number}", uid=uid))

        for number in range(3):
            await register(number)
        with pytest.raises(RegistrationRefused, match=r"3 VMs of uid \d+ are registered.*guests-per-uid"):
            await register(3)
        await register(2)
        await register(4, uid=os.getuid() + 1)
        server.owner_lost(":1.1")
        with pytest.raises(RegistrationRefused, match="3 VMs"):
            await register(5)
        await server.shut_down(server.guests[0])
        await register(6)
        await server.stop()

    asyncio.run(scenario())
