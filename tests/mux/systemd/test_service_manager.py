import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyrdpmux.mux.systemd.service_manager import ServiceManager


class Manager:
    """What listens at NOTIFY_SOCKET."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening

    def told(self) -> list[str]:
        messages = []
        while True:
            try:
                messages.append(self._listening.recv(4096).decode())
            except BlockingIOError:
                return messages


@contextmanager
def manager_at(address: str) -> Iterator[Manager]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address)
        listening.setblocking(False)
        yield Manager(listening)


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_the_life_of_a_service(tmp_path: Path, kind: str) -> None:
    name = str(tmp_path / "notify") if kind == "path" else f"@pyrdpmux-test-{os.getpid()}"
    service = ServiceManager.of_environment({"NOTIFY_SOCKET": name})
    with manager_at(name.replace("@", "\0")) as manager:
        service.ready(lambda: "VMs: 2")
        assert manager.told() == ["READY=1\nSTATUS=VMs: 2"]
        with service.reloading():
            [message] = manager.told()
            reloading, microseconds = message.split("\n")
            assert reloading == "RELOADING=1"
            assert microseconds.startswith("MONOTONIC_USEC=")
            assert int(microseconds.partition("=")[2]) > 0
        assert manager.told() == ["READY=1"]
        service.stopping()
        assert manager.told() == ["STOPPING=1"]


def test_a_reload_that_fails_is_over_too(tmp_path: Path) -> None:
    service = ServiceManager(str(tmp_path / "notify"))
    with manager_at(str(tmp_path / "notify")) as manager:
        with pytest.raises(ValueError, match="no"), service.reloading():
            raise ValueError("no")
        assert manager.told()[-1] == "READY=1"


def test_the_watchdog_is_fed_by_the_loop(tmp_path: Path) -> None:
    async def scenario() -> None:
        pings: list[str] = []
        while len(pings) < 3:
            pings += manager.told()
            await asyncio.sleep(0.001)
        assert pings[0] == "READY=1\nSTATUS=fine"
        assert set(pings[1:]) == {"WATCHDOG=1\nSTATUS=fine"}
        service.stopping()
        manager.told()
        await asyncio.sleep(0.02)
        assert manager.told() == []

    async def started() -> None:
        service.ready(lambda: "fine")
        async with asyncio.timeout(5):
            await scenario()

    environment = {
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "15000",
        "WATCHDOG_PID": str(os.getpid()),
    }
    service = ServiceManager.of_environment(environment)
    with manager_at(str(tmp_path / "notify")) as manager:
        asyncio.run(started())


@pytest.mark.parametrize(
    "variables",
    [{}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "5", "WATCHDOG_PID": "1"}],
)
def test_no_watchdog_is_fed_that_is_not_ours(tmp_path: Path, variables: dict[str, str]) -> None:
    service = ServiceManager.of_environment({"NOTIFY_SOCKET": str(tmp_path / "notify"), **variables})
    with manager_at(str(tmp_path / "notify")) as manager:
        service.ready(lambda: "fine")  # with a watchdog it would need a loop
        assert len(manager.told()) == 1


def test_nobody_there_is_no_harm(tmp_path: Path) -> None:
    for service in (ServiceManager(), ServiceManager(str(tmp_path / "nothing"))):
        service.ready(lambda: "fine")
        with service.reloading():
            pass
        service.stopping()
