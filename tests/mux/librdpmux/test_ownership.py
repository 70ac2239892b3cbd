"""Whose VM it is: nobody else gets its console, its viewers' keys, or the rules of its name."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pyrdpmux.mux.librdpmux.pins import Pin, Pins
from pyrdpmux.mux.librdpmux.records import FILE_NAME
from pyrdpmux.mux.librdpmux.registration import NO_UUID, Registration, RegistrationRefused
from pyrdpmux.mux.librdpmux.server import LibrdpmuxServer
from pyrdpmux.mux.settings.config import NamedVms, VmSettings
from tests.mux.support.fake_host import FakeHost, until
from tests.mux.support.library import NanomsgLibrary

UUID = "6b8b4567-327b-23c6-643c-986966334873"
ME = os.getuid()
SVIRT = "system_u:system_r:svirt_t:s0:c1,c2"

REAL = Registration(vm_id=5, version=2, uuid=UUID, owner=":1.1", uid=ME, security_label="vm-a", pid=100)


class Mux:
    """A server whose VMs live for a moment only once they are lost, if that is wanted."""

    def __init__(
        self, directory: Path, vms: Mapping[str, VmSettings] | None = None, grace_seconds: float = 60.0
    ) -> None:
        self.host = FakeHost()
        self.vms = dict(vms or {})
        named = vms if isinstance(vms, NamedVms) else self.vms
        self.directory = directory
        self.server = LibrdpmuxServer(
            directory=directory,
            state_dir=directory,
            shared_memory=directory,
            grace_seconds=grace_seconds,
            vms=lambda: named,
        )

    async def refused(self, registration: Registration) -> str:
        with pytest.raises(RegistrationRefused) as caught:
            await self.server.register(registration)
        return str(caught.value)

    async def vanish(self, owner: str = ":1.1") -> None:
        """Until nothing is known of it any more."""
        self.server.owner_lost(owner)
        await until(lambda: not self.server.guests)


def play(mux: Callable[[], Mux], *scenarios: Callable[[Mux], Awaitable[None]]) -> None:
    """Each scenario with a server of its own, on the same state directory."""

    async def entered() -> None:
        for scenario in scenarios:
            there = mux()
            async with asyncio.timeout(20):
                await there.server.start(there.host)
                await there.server.resume(_is_alive)
                try:
                    await scenario(there)
                finally:
                    await there.server.stop()

    asyncio.run(entered())


async def _is_alive(registration: Registration) -> bool:
    return True


def test_a_running_vm_is_not_taken_over(tmp_path: Path) -> None:
    """By another process of the same user that knows its UUID."""

    async def scenario(mux: Mux) -> None:
        endpoint = await mux.server.register(REAL)
        thief = replace(REAL, vm_id=6, owner=":1.2", pid=200)
        assert "in use by :1.1" in await mux.refused(thief)
        assert "in use by :1.1" in await mux.refused(replace(thief, uuid=UUID.upper()))
        assert mux.host.added == [UUID]
        assert await mux.server.register(replace(REAL, port=4711)) == endpoint, "itself, once more"
        mux.server.owner_lost(":1.1")
        await mux.server.register(thief)
        assert mux.host.added == [UUID] * 3
        assert mux.host.removed == []

    play(lambda: Mux(tmp_path), scenario)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"uid": ME + 1}, f"it is not uid {ME + 1}, label vm-a's"),
        ({"security_label": "vm-b"}, f"it is not uid {ME}, label vm-b's"),
        ({"security_label": None}, f"it is not uid {ME}'s"),
    ],
)
def test_while_viewers_wait_it_is_for_the_same_kind_of_process(
    tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    async def scenario(mux: Mux) -> None:
        await mux.server.register(REAL)
        mux.server.owner_lost(":1.1")
        other = replace(REAL, owner=":1.2", pid=200)
        for uuid in (UUID, UUID.upper()):
            answer = await mux.refused(replace(other, uuid=uuid, **changes))  # type: ignore[arg-type]
            assert f"uid {ME}, label vm-a" in answer, "both are named"
            assert told in answer
        await mux.server.register(other)
        assert mux.host.added == [UUID] * 2

    play(lambda: Mux(tmp_path), scenario)


def test_a_label_that_becomes_known_is_kept(tmp_path: Path) -> None:
    async def scenario(mux: Mux) -> None:
        await mux.server.register(replace(REAL, security_label=None))
        mux.server.owner_lost(":1.1")
        await mux.server.register(replace(REAL, owner=":1.2"))
        mux.server.owner_lost(":1.2")
        await mux.refused(replace(REAL, owner=":1.3", security_label="vm-b"))

    play(lambda: Mux(tmp_path), scenario)


def test_a_number_or_a_uuid_is_nobodys_once_viewers_have_stopped_waiting(tmp_path: Path) -> None:
    async def scenario(mux: Mux) -> None:
        await mux.server.register(REAL)
        await mux.vanish()
        await mux.server.register(replace(REAL, owner=":1.2", uid=ME + 1, security_label=None))

    play(lambda: Mux(tmp_path, grace_seconds=0.01), scenario)


def test_without_a_bus_the_process_tells_whether_it_is_the_same(tmp_path: Path) -> None:
    """The bus was restarted: names mean nothing, and the VM registers anew while its socket is there."""

    async def scenario(mux: Mux) -> None:
        library = NanomsgLibrary(await mux.server.register(REAL))
        [guest] = mux.server.guests
        await until(lambda: guest.is_connected)
        mux.server.forget_owners()
        await mux.refused(replace(REAL, owner=":1.1", pid=200))
        await mux.server.register(replace(REAL, owner=":1.7"))
        assert mux.host.added == [UUID] * 2
        library.close()

    play(lambda: Mux(tmp_path), scenario)


def test_configured_names_belong_to_who_has_them_first(tmp_path: Path) -> None:
    """For as long as they are configured, over restarts too: the accounts and rules are that VM's."""
    stranger = replace(REAL, owner=":1.9", uid=ME + 1, security_label=None)
    masked = replace(REAL, owner=":1.9", security_label="vm-b")

    async def first(mux: Mux) -> None:
        await mux.server.register(REAL)
        await mux.vanish()
        for other in (stranger, masked):
            answer = await mux.refused(other)
            assert f"has been uid {ME}, label vm-a's" in answer
            assert f"uid {other.uid}" in answer

    async def second(mux: Mux) -> None:
        for other in (stranger, masked):
            await mux.refused(other)
        await mux.server.register(REAL)
        await mux.vanish()
        assert '"pins"' in (tmp_path / FILE_NAME).read_text()
        await mux.refused(stranger)

    async def third(mux: Mux) -> None:
        mux.vms[UUID] = VmSettings(uid=ME + 1)
        answer = await mux.refused(REAL)
        assert answer == f"VM {UUID} is uid {ME + 1}'s by the configuration, not uid {ME}, label vm-a's"
        await mux.server.register(stranger)

    play(lambda: Mux(tmp_path, {UUID: VmSettings()}, 0.01), first, second, third)


def test_names_that_a_pattern_fits_belong_to_who_has_them_first_too(tmp_path: Path) -> None:
    """The rules of the pattern bring viewers, who type what is meant for that very VM."""
    named = NamedVms({}, {f"{UUID[:8]}*": VmSettings()})

    async def scenario(mux: Mux) -> None:
        await mux.server.register(REAL)
        await mux.vanish()
        assert f"has been uid {ME}, label vm-a's" in await mux.refused(
            replace(REAL, owner=":1.9", uid=ME + 1)
        )

    play(lambda: Mux(tmp_path, named, 0.01), scenario)


def test_an_owner_that_a_pattern_says(tmp_path: Path) -> None:
    async def scenario(mux: Mux) -> None:
        assert "uid 77's by the configuration" in await mux.refused(REAL)

    play(lambda: Mux(tmp_path, NamedVms({}, {"*": VmSettings(uid=77)}), 0.01), scenario)


@pytest.mark.parametrize("table", [VmSettings(uid=ME), VmSettings()], ids=["said", "remembered"])
@pytest.mark.parametrize(
    ("own", "others"),
    [
        ("db", {"name": "DB"}),
        ("db", {"name": "db"}),
        (UUID, {"name": UUID.upper()}),
        (UUID, {"name": "harmless", "uuid": UUID}),
        (UUID, {"name": "harmless", "uuid": UUID.upper()}),
    ],
)
def test_no_other_name_leads_to_a_strangers_vm_either(
    tmp_path: Path, table: VmSettings, own: str, others: dict[str, str]
) -> None:
    """Viewers may ask for a VM by its UUID, or in other letters: they must not find somebody else's."""
    named = NamedVms({own: table}, {})
    other = {"uuid": UUID[:-1] + "9", **others}
    stranger = replace(REAL, vm_id=6, owner=":1.9", uid=ME + 1, security_label=None, **other)  # type: ignore[arg-type]

    async def scenario(mux: Mux) -> None:
        await mux.server.register(replace(REAL, name=None if own == UUID else own))
        await mux.vanish()
        assert f"uid {ME + 1}" in await mux.refused(stranger)

    play(lambda: Mux(tmp_path, named, 0.01), scenario)


def test_a_vms_name_is_no_port() -> None:
    """By which others are found."""
    with pytest.raises(RegistrationRefused, match="'3905': a number is a port"):
        replace(REAL, name="3905")


def test_who_invents_names_for_a_pattern_pushes_out_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyrdpmux.mux.librdpmux.pins.MAX_PINS", 10)
    pins = Pins(lambda: NamedVms({"own": VmSettings()}, {"web-*": VmSettings()}))
    names = {**dict.fromkeys(["own", "web-a", "web-b"], 1), **{f"web-{number}": 2 for number in range(7)}}
    pins.load({name: Pin(uid) for name, uid in names.items()})
    for number in range(20):
        registration = replace(REAL, name=f"web-new{number}", uid=2)
        pins.check(registration)
        assert pins.set(registration)
    assert {name for name, pin in pins.all.items() if pin.uid == 1} == {"own", "web-a", "web-b"}
    assert len(pins.all) == 10


def test_a_table_that_comes_later_is_for_who_has_the_vm_then(tmp_path: Path) -> None:
    async def scenario(mux: Mux) -> None:
        await mux.server.register(REAL)
        mux.vms[UUID] = VmSettings()
        await mux.vanish()
        await mux.refused(replace(REAL, owner=":1.9", uid=ME + 1))

    play(lambda: Mux(tmp_path, None, 0.01), scenario)


def test_a_vm_without_a_uuid_has_an_owner_too(tmp_path: Path) -> None:
    anonymous = replace(REAL, uuid=NO_UUID)

    async def scenario(mux: Mux) -> None:
        await mux.server.register(anonymous)
        assert mux.host.added == ["vm-5"]
        await mux.refused(replace(anonymous, owner=":1.2", pid=200))
        await mux.vanish()
        await mux.refused(replace(anonymous, owner=":1.2", uid=ME + 1))
        await mux.server.register(anonymous)

    play(lambda: Mux(tmp_path, {"vm-5": VmSettings()}, 0.01), scenario)


def test_what_the_configuration_says_counts_for_resumed_vms(tmp_path: Path) -> None:
    async def first(mux: Mux) -> None:
        await mux.server.register(REAL)

    async def second(mux: Mux) -> None:
        assert mux.host.added == []

    tables: list[Mapping[str, VmSettings]] = [{}, {UUID: VmSettings(uid=ME + 1)}]
    play(lambda: Mux(tmp_path, tables.pop(0)), first, second)


def test_roots_framebuffer_is_for_roots_vms(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    if ME != 0:
        pytest.skip("needs root, to have root's framebuffer")
    (tmp_path / "5.rdpmux").write_bytes(b"\x07" * 48 * 48 * 4)

    async def shown(mux: Mux, uid: int, owner: str) -> bool:
        registration = replace(REAL, uid=uid, owner=owner, uuid=UUID[:-1] + owner[-1])
        library = NanomsgLibrary(await mux.server.register(registration))
        await library.send("94 01 ce20020888 30 30")
        vm = mux.host.vms[registration.key]
        assert await library.receive(), "a keep-alive: the switch was seen to"
        library.close()
        await mux.server.shut_down(mux.server.guests[0])
        return bool(vm.screen.pixels.any())

    async def scenario(mux: Mux) -> None:
        assert not await shown(mux, 65534, ":1.1")
        assert "belongs to uid 0, but its VM to uid 65534" in caplog.text
        assert await shown(mux, 0, ":1.2")
        os.chown(tmp_path / "5.rdpmux", 65534, -1)
        assert await shown(mux, 65534, ":1.3")
        assert not await shown(mux, 0, ":1.4")

    play(lambda: Mux(tmp_path), scenario)


def test_svirts_labels_differ_from_start_to_start(tmp_path: Path) -> None:
    """Which is why labels can be left alone: see `security-labels`."""

    async def scenario(mux: Mux) -> None:
        await mux.server.register(replace(REAL, security_label=SVIRT))
        mux.server.owner_lost(":1.1")
        again = replace(REAL, owner=":1.2", security_label=SVIRT.replace("c1", "c7"))
        await mux.refused(again)

    play(lambda: Mux(tmp_path), scenario)
