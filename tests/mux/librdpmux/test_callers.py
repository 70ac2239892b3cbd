"""What the bus says of a caller; a stand-in bus, since few machines confine their test runs."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import DBusError, Variant
from dbus_fast.aio import MessageBus

from pyrdpmux.mux.librdpmux import callers
from pyrdpmux.mux.librdpmux.bus import BUS_NAME, LISTENER_INTERFACE, OBJECT_PATH, call, connect_bus
from pyrdpmux.mux.librdpmux.callers import Caller, find_caller
from pyrdpmux.mux.librdpmux.registration import Registration
from tests.mux.librdpmux.test_dbus_service import Service, disconnect, start_daemon, stop_daemon

UUID = "6b8b4567-327b-23c6-643c-986966334873"
LISTENER = f"/org/RDPMux/RDPListener/{UUID.replace('-', '')}"

CREDENTIALS = {
    "UnixUserID": Variant("u", 107),
    "ProcessID": Variant("u", 4711),
    "LinuxSecurityLabel": Variant("ay", b"libvirt-6b8b4567 (enforce)\0"),
}


class StandIn:
    """Answers as a bus daemon would; what it does not know is an error."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: Any) -> None:
        self.asked: list[str] = []
        self._answers = answers
        monkeypatch.setattr(callers, "call_daemon", self._call)

    async def _call(self, _bus: MessageBus, member: str, name: str) -> list[Any]:
        self.asked.append(member)
        answer = self._answers.get(member, "org.freedesktop.DBus.Error.UnknownMethod")
        if isinstance(answer, str):
            raise DBusError(answer, f"no {member} of {name}")
        return [answer]


def find(**options: Any) -> Caller:
    return asyncio.run(find_caller(None, ":1.5", **options))  # type: ignore[arg-type]


def test_user_process_and_label(monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn(monkeypatch, GetConnectionCredentials=CREDENTIALS)
    assert find() == Caller(":1.5", 107, "libvirt-6b8b4567 (enforce)", 4711)
    assert find(with_label=False) == Caller(":1.5", 107, None, 4711)


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        (None, None),
        (b"", None),
        (b"\0", None),
        (b"unconfined", "unconfined"),
        (b"a\xffb\0", "a\\xffb"),
        (b"x" * 9999, "x" * callers.MAX_LABEL),
    ],
)
def test_labels(monkeypatch: pytest.MonkeyPatch, raw: bytes | None, label: str | None) -> None:
    told = {key: value for key, value in CREDENTIALS.items() if key != "LinuxSecurityLabel"}
    if raw is not None:
        told["LinuxSecurityLabel"] = Variant("ay", raw)
    StandIn(monkeypatch, GetConnectionCredentials=told)
    assert find().label == label


def test_a_bus_that_knows_users_only(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = StandIn(monkeypatch, GetConnectionUnixUser=107)
    assert find() == Caller(":1.5", 107)
    assert stand_in.asked == ["GetConnectionCredentials", "GetConnectionUnixUser"]
    StandIn(monkeypatch, GetConnectionCredentials={}, GetConnectionUnixUser=107)
    assert find() == Caller(":1.5", 107)


def test_nobody_of_this_name(monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn(monkeypatch, GetConnectionCredentials="org.freedesktop.DBus.Error.NameHasNoOwner")
    with pytest.raises(DBusError, match="no GetConnectionCredentials"):
        find()


VM = Registration(vm_id=5, version=5, uuid=UUID, uid=107, security_label="vm-a")


@pytest.mark.parametrize(
    ("caller", "registration", "may"),
    [
        (Caller(":1.2", 107, "vm-a"), VM, True),
        (Caller(":1.2", 107, "vm-b"), VM, False),
        (Caller(":1.2", 107), VM, False),
        (Caller(":1.2", 108, "vm-a"), VM, False),
        (Caller(":1.2", 0), VM, True),
        (Caller(":1.2", 107, "vm-a"), Registration(vm_id=5, uid=107), True),
    ],
)
def test_who_may_act_for_a_vm(caller: Caller, registration: Registration, may: bool) -> None:
    assert caller.may_act_for(registration) is may
    assert caller.is_still(registration) is (may and caller.uid != 0)


needs_bus = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")


@needs_bus
def test_what_a_real_bus_says(tmp_path: Path) -> None:
    async def scenario(address: str) -> None:
        bus = await connect_bus(address)
        assert bus.unique_name is not None
        caller = await find_caller(bus, bus.unique_name)
        assert (caller.uid, caller.pid) == (os.getuid(), os.getpid())
        await disconnect(bus)

    _with_bus(tmp_path, scenario)


@needs_bus
def test_another_vm_of_the_same_user_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """libvirt's QEMUs share a user: one of them must not give another one's console its own passwords."""
    labels: dict[str, str] = {}
    real = find_caller

    async def labelled(bus: MessageBus, name: str, *, with_label: bool = True) -> Caller:
        caller = await real(bus, name)
        return Caller(name, 4242, labels[name], caller.pid)

    monkeypatch.setattr("pyrdpmux.mux.librdpmux.dbus_service.find_caller", labelled)

    async def scenario(address: str) -> None:
        async with Service(address, tmp_path) as service:
            other = await connect_bus(address)
            labels.update({str(service.caller.unique_name): "vm-a", str(other.unique_name): "vm-b"})
            await service.register("iisqs", 5, 5, UUID, 0, "")

            async def say(bus: MessageBus, member: str, signature: str = "", *body: object) -> str:
                try:
                    await call(bus, BUS_NAME, LISTENER, LISTENER_INTERFACE, member, signature, *body)
                except DBusError as error:
                    return error.type
                return ""

            denied = "org.freedesktop.DBus.Error.AccessDenied"
            assert await say(other, "SetCredentialFile", "s", "") == denied
            assert await say(other, "SetAuthentication", "b", False) == denied
            assert await say(other, "Shutdown") == denied
            with pytest.raises(DBusError, match="in use by"):
                await call(
                    other, BUS_NAME, OBJECT_PATH, "org.RDPMux.RDPMux", "Register", "iisqs", 6, 5, UUID, 0, ""
                )
            assert await say(service.caller, "SetAuthentication", "b", True) == ""
            assert await say(service.caller, "Shutdown") == ""
            await disconnect(other)

    _with_bus(tmp_path, scenario)


def _with_bus(directory: Path, scenario: Callable[[str], Awaitable[None]]) -> None:
    daemon = start_daemon(directory)

    async def bounded() -> None:
        async with asyncio.timeout(20):
            await scenario(f"unix:path={directory / 'bus'}")

    try:
        asyncio.run(bounded())
    finally:
        stop_daemon(daemon)
