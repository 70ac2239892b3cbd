"""Who is registered as what (sections 9.6 and 11.1): without a bus, owners are only names."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.registration import NO_UUID, Registration, RegistrationRefused
from pyrdpmux.mux.librdpmux.server import LibrdpmuxServer
from tests.mux.support.fake_host import FakeHost, until
from tests.mux.support.library import ZeroMqLibrary

UUID = "6b8b4567-327b-23c6-643c-986966334873"
KEY = "93 04 1e cd4000"


class Mux:
    def __init__(self, directory: Path, shared_address: str | None = None) -> None:
        self.host = FakeHost()
        self.server = LibrdpmuxServer(
            directory=directory,
            state_dir=directory,
            shared_memory=directory,
            shared_address=shared_address,
        )

    async def __aenter__(self) -> "Mux":
        await self.server.start(self.host)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()

    async def register(
        self, vm_id: int, uuid: str = UUID, *, owner: str = ":1.1", uid: int | None = None, version: int = 5
    ) -> str:
        uid = os.getuid() if uid is None else uid
        return await self.server.register(
            Registration(vm_id=vm_id, version=version, uuid=uuid, owner=owner, uid=uid)
        )


def play(mux: Callable[[], Mux], scenario: Callable[[Mux], Awaitable[None]]) -> None:
    async def entered() -> None:
        async with asyncio.timeout(20), mux() as there:
            await scenario(there)

    asyncio.run(entered())


def test_the_same_vm_again_has_its_console_and_the_old_process_has_not(tmp_path: Path) -> None:
    """Once it is gone from the bus, whatever it goes on saying at its socket."""

    async def scenario(mux: Mux) -> None:
        old = ZeroMqLibrary(await mux.register(5), UUID)
        await old.send("94 02 ce20020888 cd0001 cd0001")
        guest = mux.server.guests[0]
        await until(lambda: guest.is_connected)
        mux.server.owner_lost(":1.1")
        assert mux.host.lost == [UUID]
        new = ZeroMqLibrary(await mux.register(5, UUID.upper(), owner=":1.2"), UUID.upper())
        assert mux.host.added == [UUID] * 2
        await old.send("91 06")  # a shutdown of the console that it had
        await new.send("94 02 ce20020888 cd0001 cd0001")
        guest = mux.server.guests[0]
        await until(lambda: guest.is_connected)
        mux.host.vms[UUID].input.key(0x1E, extended=False, extended1=False, down=True)
        assert await new.receive() == bytes.fromhex(KEY)
        assert (mux.host.lost, mux.host.removed) == ([UUID], [])
        mux.server.owner_lost(":1.2")
        assert mux.host.lost == [UUID] * 2
        old.close()
        new.close()

    play(lambda: Mux(tmp_path), scenario)


def test_the_uuid_of_another_users_vm_is_not_to_be_had(tmp_path: Path) -> None:
    async def scenario(mux: Mux) -> None:
        await mux.register(5)
        with pytest.raises(RegistrationRefused, match=r"in use by :1\.1"):
            await mux.register(6, owner=":1.2", uid=54321)
        mux.server.owner_lost(":1.1")
        with pytest.raises(RegistrationRefused, match="in use"):
            await mux.register(6, owner=":1.2", uid=54321)
        assert mux.host.added == [UUID], "its viewers go on typing"

    play(lambda: Mux(tmp_path), scenario)


def test_vms_without_a_uuid_are_different_ones(tmp_path: Path) -> None:
    async def scenario(mux: Mux) -> None:
        first = await mux.register(5, NO_UUID)
        second = await mux.register(6, NO_UUID, owner=":1.2")
        assert first != second
        assert sorted(mux.host.vms) == ["vm-5", "vm-6"]
        assert [vm.uuid for vm in mux.host.vms.values()] == [None, None]
        with pytest.raises(RegistrationRefused, match=r"in use by :1\.1"):
            await mux.register(5, NO_UUID, owner=":1.3")
        with pytest.raises(RegistrationRefused, match="VM id 5 is in use by vm-5"):
            await mux.register(5, UUID, owner=":1.3")

    play(lambda: Mux(tmp_path), scenario)


def test_the_originals_socket_is_shared_if_that_is_wanted(tmp_path: Path) -> None:
    address = f"ipc://@/pyrdpmux-test-{os.getpid()}-server"
    other = UUID.replace("6", "7")

    async def scenario(mux: Mux) -> None:
        assert await mux.register(5) == address
        assert await mux.register(6, other) == address
        assert (await mux.register(8, "", version=1)).endswith("/8.socket")
        await mux.register(9, NO_UUID)
        with pytest.raises(RegistrationRefused, match="must be the only one"):
            await mux.register(10, NO_UUID)
        for vm_id, uuid in ((5, UUID), (6, other)):
            library = ZeroMqLibrary(address, uuid)
            await library.send("94 02 ce20020888 cd0001 cd0001")
            guest = next(found for found in mux.server.guests if found.registration.vm_id == vm_id)
            await until(lambda guest=guest: guest.is_connected)  # type: ignore[misc]
            mux.host.vms[uuid].input.key(0x1E, extended=False, extended1=False, down=True)
            assert await library.receive() == bytes.fromhex(KEY)
            library.close()
        late = Mux(tmp_path / "late", address)
        with pytest.raises(BackendError, match="in use"):
            await late.server.start(late.host)

    (tmp_path / "late").mkdir()
    play(lambda: Mux(tmp_path, address), scenario)


def test_nothing_is_left_of_vms_that_are_gone(tmp_path: Path) -> None:
    async def scenario(mux: Mux) -> None:
        def descriptors() -> int:
            return len(os.listdir("/proc/self/fd"))

        counts = []
        for round_ in range(12):
            for version in (1, 3, 5):
                uuid = "" if version == 1 else UUID
                endpoint = await mux.register(version, uuid, version=version)
                if version > 1:
                    library = ZeroMqLibrary(endpoint, UUID)
                    await library.send("91 05" if version == 3 else "91 06")
                    await until(lambda: not mux.server.guests)
                    library.close()
                else:
                    await mux.server.shut_down(mux.server.guests[0])
            await asyncio.sleep(0.02)  # ZeroMQ's threads close what was theirs
            if round_ >= 6:
                counts.append(descriptors())
        assert max(counts) - min(counts) <= 4, counts
        assert os.listdir(tmp_path) == ["librdpmux.json"]

    play(lambda: Mux(tmp_path), scenario)


def test_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyrdpmux.mux.librdpmux.claims.MAX_GUESTS", 2)

    async def scenario(mux: Mux) -> None:
        await mux.register(1, "", version=1)
        await mux.register(2, "", version=1)
        with pytest.raises(RegistrationRefused, match="no more are allowed"):
            await mux.register(3, "", version=1)
        await mux.register(2, "", version=1)

    play(lambda: Mux(tmp_path), scenario)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"vm_id": -1}, "0 or more"),
        ({"uuid": ""}, "not a UUID"),
        ({"uuid": "x" * 36}, "not a UUID"),
        ({"uuid": f"{UUID}\n"}, "not a UUID"),
        ({"uuid": UUID.replace("-", "_")}, "not a UUID"),
        ({"uuid": "../../../../../../../../etc/passwd00"}, "not a UUID"),
        ({"port": 443}, "below 1024"),
        ({"accounts": Path("vm.sam")}, "starts with /"),
    ],
)
def test_what_a_registration_cannot_be(changes: dict[str, object], complaint: str) -> None:
    values: dict[str, object] = {"vm_id": 5, "version": 5, "uuid": UUID, "uid": 1000, **changes}
    with pytest.raises(RegistrationRefused, match=complaint):
        Registration(**values)  # type: ignore[arg-type]


def test_root_may_have_any_port() -> None:
    assert Registration(vm_id=5, port=443, uid=0).port == 443


def test_a_sam_file_of_somebody_else_is_not_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root, to have somebody else's file")
    sam = tmp_path / "somebody.sam"
    sam.write_text("")
    os.chown(sam, 12345, -1)

    async def scenario(mux: Mux) -> None:
        caplog.set_level(logging.WARNING)
        registration = Registration(vm_id=5, version=5, uuid=UUID, uid=1000, accounts=sam)
        missing = replace(registration, accounts=tmp_path / "missing.sam")
        for asked in (registration, missing):
            with pytest.raises(RegistrationRefused) as caught:
                await mux.server.register(asked)
            assert str(caught.value) == f"{asked.accounts}: no SAM file of uid 1000 is there", (
                "whatever is there"
            )
        assert mux.host.added == []
        assert "belongs to uid 12345" in caplog.text, "for the administrator"

    play(lambda: Mux(tmp_path), scenario)
