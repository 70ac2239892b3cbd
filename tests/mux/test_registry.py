import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from pyrdpmux.errors import BackendError, ConfigError
from pyrdpmux.harness.programs import free_port
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.control.control_socket import describe_console
from pyrdpmux.mux.registry import Registry, SourceOf
from pyrdpmux.mux.settings.config import Config, VmSettings
from pyrdpmux.mux.settings.config_file import load_config
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from tests.mux.rdp_client import connected, eventually
from tests.mux.recording_sink import RecordingSink
from tests.mux.serving import noise, run, show


@pytest.fixture
def base_port() -> Iterator[int]:
    """The first of ten ports that nobody uses now."""
    for _ in range(100):
        port = free_port()
        with ExitStack() as stack:
            try:
                for number in range(port, port + 10):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", number))
            except OSError:
                continue
        yield port
        return


def registry(factory: ConnectionFactory, base_port: int, **vms: VmSettings) -> Registry:
    return Registry(replace(factory.config, port=base_port, vms=vms), factory)


def test_each_vm_gets_the_lowest_free_port(factory: ConnectionFactory, base_port: int) -> None:
    async def scenario() -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", base_port + 1))
            other.listen()
            host = registry(factory, base_port)
            first = await host.add_vm("a", input=RecordingSink())
            second = await host.add_vm("b", input=RecordingSink())
            assert (first.port, second.port) == (base_port, base_port + 2)
            await host.remove_vm(first, "off")
            third = await host.add_vm("c", input=RecordingSink())
            assert third.port == base_port
            await host.close("done")

    run(scenario)


def test_a_preferred_port_is_had_if_free(
    factory: ConnectionFactory, base_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        host = registry(factory, base_port)
        first = await host.add_vm("a", input=RecordingSink(), preferred_port=base_port + 5)
        second = await host.add_vm("b", input=RecordingSink(), preferred_port=base_port + 5)
        assert (first.port, second.port) == (base_port + 5, base_port)
        assert f"Port {base_port + 5}, wanted by VM b, is not free" in caplog.text
        await host.close("done")

    run(scenario)


def test_the_configuration_knows_better_than_the_vm(factory: ConnectionFactory, base_port: int) -> None:
    async def scenario() -> None:
        host = registry(factory, base_port, a=VmSettings(port=base_port + 7))
        vm = await host.add_vm("a", input=RecordingSink(), preferred_port=base_port + 5)
        assert vm.port == base_port + 7
        await host.close("done")

    run(scenario)


@pytest.mark.parametrize("preferred", [0, 2])
def test_nobody_takes_a_port_that_another_vm_is_given(
    factory: ConnectionFactory, base_port: int, preferred: int
) -> None:
    """Neither by chance nor by wish, also while that VM is still to come."""

    async def scenario() -> None:
        host = registry(factory, base_port, later=VmSettings(port=base_port + preferred))
        wish = base_port + preferred if preferred else 0
        early = await host.add_vm("early", input=RecordingSink(), preferred_port=wish)
        assert early.port == (base_port if preferred else base_port + 1)
        later = await host.add_vm("later", input=RecordingSink())
        assert later.port == base_port + preferred
        await host.close("done")

    run(scenario)


def test_a_configured_port_that_is_in_use_is_waited_for(
    factory: ConnectionFactory,
    base_port: int,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The VM is there, but at no other port: who is used to a port would type into another VM."""
    monkeypatch.setattr("pyrdpmux.mux.registry.RETRY_SECONDS", 0.01)

    async def scenario() -> None:
        host = registry(factory, base_port, a=VmSettings(port=base_port + 1))
        with socket.socket() as other:
            other.bind(("127.0.0.1", base_port + 1))
            other.listen()
            vm = await host.add_vm("a", input=RecordingSink())
            [console] = host.consoles
            assert not console.is_listening
            assert vm.port == base_port + 1
            assert describe_console(console)["is_listening"] is False
            assert f"VM a: cannot listen at its port {base_port + 1}" in caplog.text
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", base_port)
            # a reload that concerns others is not held up by it
            await host.reconfigure(replace(host._config, groups={"x": ("y",)}))
        await eventually(lambda: console.is_listening)
        async with connected(vm.port) as client:
            await client.until(lambda: client.connection.is_active)
        await host.close("done")
        assert caplog.text.count("cannot listen at its port") == 1

    run(scenario)


def test_a_port_is_not_waited_for_any_longer_than_it_is_wanted(
    factory: ConnectionFactory, base_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyrdpmux.mux.registry.RETRY_SECONDS", 0.01)

    async def scenario() -> None:
        host = registry(
            factory, base_port, a=VmSettings(port=base_port + 1), b=VmSettings(port=base_port + 2)
        )
        with socket.socket() as one, socket.socket() as other:
            for number, sock in enumerate((one, other), 1):
                sock.bind(("127.0.0.1", base_port + number))
                sock.listen()
            await host.add_vm("a", input=RecordingSink())
            second = await host.add_vm("b", input=RecordingSink())
            await host.remove_vm(second, "gone")
            await host.reconfigure(replace(host._config, vms={}))
            [console] = host.consoles
            await eventually(lambda: console.is_listening)
            assert console.port == base_port
            await eventually(lambda: not len(host._waiting))
        await host.close("done")

    run(scenario)


def test_a_move_to_another_vms_port_says_whose_it_is(factory: ConnectionFactory, base_port: int) -> None:
    async def scenario() -> None:
        host = registry(factory, base_port)
        for name in ("a", "b"):
            await host.add_vm(name, input=RecordingSink())
        wish = {"b": VmSettings(port=base_port)}
        with pytest.raises(ConfigError, match=f"cannot listen there: VM a is at port {base_port}"):
            await host.reconfigure(replace(factory.config, vms=wish))
        await host.close("done")

    run(scenario)


def test_a_known_name_is_taken_over(factory: ConnectionFactory, base_port: int) -> None:
    async def scenario() -> None:
        host = registry(factory, base_port)
        old = await host.add_vm("a", input=RecordingSink(), uuid="1")
        async with connected(old.port) as client:
            await client.until(lambda: client.connection.is_active)
            new = await host.add_vm("a", input=RecordingSink(), uuid="2")
            assert new is not old
            assert (new.port, new.screen, new.uuid, new.viewer_count) == (old.port, old.screen, "2", 1)
            # the old registration has no say any more
            host.vm_lost(old, "late news")
            await host.remove_vm(old, "late news")
            [console] = host.consoles
            assert console.is_running
            show(console, noise(64, 64))
            await client.until_shows(console.screen.pixels)
            await host.close("done")

    run(scenario)


def test_a_removed_vm_sends_its_viewers_away(factory: ConnectionFactory, base_port: int) -> None:
    async def scenario() -> None:
        host = registry(factory, base_port)
        vm = await host.add_vm("a", input=RecordingSink())
        async with connected(vm.port) as client:
            await client.until(lambda: client.connection.is_active)
            await host.remove_vm(vm, "switched off")
            await client.until(lambda: client.is_closed)
            assert client.error_info == ErrorInfo.RPC_INITIATED_DISCONNECT
        assert host.consoles == []
        await host.remove_vm(vm, "again")

    run(scenario)


def test_a_lost_vm_keeps_its_place(factory: ConnectionFactory, base_port: int) -> None:
    async def scenario() -> None:
        host = registry(factory, base_port)
        vm = await host.add_vm("a", input=RecordingSink())
        host.vm_lost(vm, "crashed")
        [console] = host.consoles
        assert not console.is_running
        again = await host.add_vm("a", input=RecordingSink())
        assert again.port == vm.port
        assert console.is_running
        await host.close("done")

    run(scenario)


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb", "\x1b[2J"])
def test_a_name_must_be_fit_to_print(factory: ConnectionFactory, base_port: int, name: str) -> None:
    async def scenario() -> None:
        with pytest.raises(BackendError, match="printable"):
            await registry(factory, base_port).add_vm(name, input=RecordingSink())

    run(scenario)


def test_an_address_of_somebody_else_is_an_error(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        host = Registry(Config(bind="192.0.2.1"), factory)
        with pytest.raises(BackendError, match=r"cannot listen at 192\.0\.2\.1:3901"):
            await host.add_vm("a", input=RecordingSink())

    run(scenario)


def test_nothing_is_added_once_closed(factory: ConnectionFactory, base_port: int) -> None:
    async def scenario() -> None:
        host = registry(factory, base_port)
        await host.close("done")
        with pytest.raises(BackendError, match="stops"):
            await host.add_vm("a", input=RecordingSink())

    run(scenario)


def test_a_vm_moves_to_another_port_with_its_viewers(factory: ConnectionFactory, base_port: int) -> None:
    async def scenario() -> None:
        host = registry(factory, base_port)
        vm = await host.add_vm("a", input=RecordingSink())
        async with connected(vm.port) as client:
            await client.until(lambda: client.connection.is_active)
            await host.reconfigure(replace(factory.config, vms={"a": VmSettings(port=base_port + 5)}))
            assert vm.port == base_port + 5
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", base_port)
            async with connected(vm.port) as second:
                await second.until(lambda: second.connection.is_active)
            [console] = host.consoles
            show(console, noise(64, 64))
            await client.until_shows(console.screen.pixels)
            await host.close("done")
            await client.until(lambda: client.is_closed)

    run(scenario)


def test_a_move_that_fails_changes_nothing(
    factory: ConnectionFactory, base_port: int, tmp_path: Path
) -> None:
    async def scenario() -> None:
        host = registry(factory, base_port)
        for name in ("a", "b"):
            await host.add_vm(name, input=RecordingSink())
        path = tmp_path / "c.toml"
        with socket.socket() as other:
            other.bind(("127.0.0.1", base_port + 6))
            other.listen()
            path.write_text(f"[vms.a]\nport = {base_port + 5}\n[vms.b]\nport = {base_port + 6}\n")
            with pytest.raises(ConfigError, match=r"line 4: vms\.b\.port: cannot listen there"):
                await host.reconfigure(load_config(path))
        assert [console.port for console in host.consoles] == [base_port, base_port + 1]
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", base_port + 5)
        await host.close("done")

    run(scenario)


def test_a_certificate_that_fails_moves_nothing(
    factory: ConnectionFactory, base_port: int, tmp_path: Path
) -> None:
    async def scenario() -> None:
        host = registry(factory, base_port)
        vm = await host.add_vm("a", input=RecordingSink())
        (tmp_path / "server.crt").write_text("nonsense")
        with pytest.raises(ConfigError, match=r"server\.crt"):
            await host.reconfigure(
                replace(factory.config, certificate_dir=tmp_path, vms={"a": VmSettings(port=base_port + 5)})
            )
        assert vm.port == base_port
        await host.close("done")

    run(scenario)


def test_vms_are_found_by_name_and_uuid(factory: ConnectionFactory, base_port: int) -> None:
    async def scenario() -> None:
        host = registry(factory, base_port)
        await host.add_vm("Build7", input=RecordingSink(), uuid="BA1B6DBD-89AC-4630-A737-C4BCC3BB99FB")
        [console] = host.consoles
        assert host.find("build7") is host.find("ba1b6dbd-89ac-4630-a737-c4bcc3bb99fb") is console
        assert host.find(str(base_port)) is console
        await host.add_vm(str(base_port), input=RecordingSink())
        assert host.find(str(base_port)) is not console
        assert host.find("build") is host.find("") is None
        await host.close("done")

    run(scenario)


def test_a_console_belongs_to_who_published_it(factory: ConnectionFactory, base_port: int) -> None:
    async def scenario() -> None:
        made = registry(factory, base_port)
        ours, theirs = made.for_publisher("ours"), made.for_publisher("theirs")
        first = await ours.add_vm("a", input=RecordingSink())
        with pytest.raises(BackendError, match="VM 'a' already, of another source"):
            await theirs.add_vm("a", input=RecordingSink())
        made.vm_lost(first, "gone for a while")
        with pytest.raises(BackendError, match="of another source"):
            await theirs.add_vm("a", input=RecordingSink())
        again = await ours.add_vm("a", input=RecordingSink())
        assert again.port == first.port
        await ours.remove_vm(again, "gone for good")
        await theirs.add_vm("a", input=RecordingSink())
        await made.close("done")

    run(scenario)


def test_nobody_else_is_found_under_a_configured_source_either(
    factory: ConnectionFactory, base_port: int
) -> None:
    """By its UUID, or in other letters: what could mean two VMs leads to none."""

    async def scenario() -> None:
        made = registry(factory, base_port, **{UUID: VmSettings(source="qemu:/run/a.qmp")})
        for name, uuid in (("harmless", UUID), ("harmless", UUID.upper()), (UUID.upper(), None)):
            with pytest.raises(BackendError, match="comes from qemu by the configuration"):
                await made.for_publisher("bus").add_vm(name, input=RecordingSink(), uuid=uuid)
        await made.for_publisher(SourceOf(UUID)).add_vm(UUID, input=RecordingSink(), uuid=UUID)
        found = made.find(UUID)
        assert found is not None
        assert found.uuid == UUID
        await made.close("done")

    run(scenario)


def test_the_name_of_a_configured_source_is_its_own(factory: ConnectionFactory, base_port: int) -> None:
    """Also while the source cannot be reached: the rules of that name are for what comes from there."""

    async def scenario() -> None:
        made = registry(factory, base_port, a=VmSettings(source="vnc:127.0.0.1:5900"))
        for publisher in (None, "bus", SourceOf("b")):
            with pytest.raises(BackendError, match="VM 'a' comes from vnc by the configuration"):
                await made.for_publisher(publisher).add_vm("a", input=RecordingSink())
        await made.for_publisher(SourceOf("a")).add_vm("a", input=RecordingSink())
        await made.close("done")

    run(scenario)


UUID = "ba1b6dbd-89ac-4630-a737-c4bcc3bb99fb"


@pytest.mark.parametrize("name", [UUID, UUID.upper(), "BUILD7", "build7"])
def test_a_name_that_leads_to_another_vm_is_taken(
    factory: ConnectionFactory, base_port: int, name: str
) -> None:
    async def scenario() -> None:
        made = registry(factory, base_port)
        await made.add_vm("Build7", input=RecordingSink(), uuid=UUID, publisher="qemu")
        with pytest.raises(BackendError, match="is a name of VM 'Build7'"):
            await made.add_vm(name, input=RecordingSink(), uuid=name, publisher="bus")
        await made.close("done")

    run(scenario)


def test_what_could_mean_two_vms_leads_to_none(factory: ConnectionFactory, base_port: int) -> None:
    """A stranger was first under the UUID that a VM turns out to have."""

    async def scenario() -> None:
        made = registry(factory, base_port)
        await made.add_vm(UUID, input=RecordingSink(), uuid=UUID, publisher="bus")
        await made.add_vm("build7", input=RecordingSink(), uuid=UUID.upper(), publisher="qemu")
        assert made.find(UUID) is None
        found = made.find("build7")
        assert found is not None
        assert found.name == "build7"
        await made.close("done")

    run(scenario)
