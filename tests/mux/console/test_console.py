import asyncio
import contextlib
import logging
import threading
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.admission.acceptor import GOODBYE_SECONDS
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.backend import VmStatus
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.console.registered_vm import RegisteredVm
from pyrdpmux.mux.settings.config import ONE_AT_A_TIME, Config, InputSettings, SecuritySettings, VmSettings
from pyrdpmux.rdp.nla.accounts import Accounts
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags
from tests.mux.rdp_client import RdpClient, connected, eventually, same_colors
from tests.mux.recording_sink import RecordingSink
from tests.mux.serving import LIMITS, noise, run, served, show


def test_viewers_survive_the_restart_of_a_vm(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console, connected(console.port) as client:
            before, after = RecordingSink(), RecordingSink()
            console.start("first", before, None)
            show(console, noise(320, 200))
            await client.until_shows(console.screen.pixels)
            console.lose("the VM has stopped")
            await client.until_shows(console.display.pixels)
            assert not same_colors(console.display.pixels, console.screen.pixels)
            client.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1E)])
            client.connection.request_refresh(Rect(0, 0, 1, 1))
            client.flush()
            client.bitmaps.clear()
            await client.until(lambda: bool(client.bitmaps))
            console.start("second", after, None)
            show(console, noise(320, 200, seed=1))
            await client.until_shows(console.screen.pixels)
            client.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1F)])
            client.flush()
            await eventually(lambda: after.told == ["1f down"])
            assert before.told == []

    run(scenario)


def test_a_source_hears_whether_anybody_looks(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            told: list[bool] = []
            vm = RegisteredVm(console)
            console.start(vm, RecordingSink(), None)
            vm.watch(told.append)
            assert told == [False], "at once"
            show(console, noise(64, 64))
            async with connected(console.port) as client:
                await eventually(lambda: told == [False, True])
                async with connected(console.port) as other:
                    await other.until(lambda: len(console.viewers) == 2)
                assert console.is_watched
                await client.until(lambda: client.connection.is_active)
            await eventually(lambda: told == [False, True, False])
            console.start(later := RegisteredVm(console), RecordingSink(), None)
            vm.watch(told.append)
            assert told.pop() is False, "of a registration that is over"
            later.watch(_fail)
            async with connected(console.port):
                await eventually(lambda: console.is_watched)
            assert told == [False, True, False]

    run(scenario)


def _fail(is_watched: bool) -> None:
    """A source with a bug: viewers come and go all the same."""
    if is_watched:
        raise RuntimeError("a bug")


def test_a_lost_vm_is_lost_once(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            console.start("first", RecordingSink(), None)
            show(console, noise(64, 64))
            console.lose("one")
            picture = console.display.pixels.copy()
            console.lose("two")
            assert (console.display.pixels == picture).all()

    run(scenario)


def test_everybody_is_told_when_the_console_closes(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with served(factory) as console:
            async with connected(console.port) as one, connected(console.port) as two:
                await one.until(lambda: one.connection.is_active)
                await two.until(lambda: two.connection.is_active)
                start = loop.time()
                await console.close(ErrorInfo.RPC_INITIATED_DISCONNECT, "removed")
                assert loop.time() - start < GOODBYE_SECONDS / 2
                await one.until(lambda: one.is_closed)
                await two.until(lambda: two.is_closed)
                assert one.error_info == two.error_info == ErrorInfo.RPC_INITIATED_DISCONNECT
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", console.port)

    run(scenario)


def test_no_stream_outlives_the_console(factory: ConnectionFactory) -> None:
    """Also of a picture that is just being computed."""

    async def scenario() -> None:
        release = threading.Event()
        async with served(factory) as console, connected(console.port) as client:
            show(console, noise(320, 200))
            await client.until_shows(console.screen.pixels)
            blocked = [asyncio.create_task(factory.workers.run("another", release.wait)) for _ in range(9)]
            try:
                show(console, noise(320, 200, seed=1))
                await eventually(lambda: factory.workers.waiting > len(blocked))
                await console.close(ErrorInfo.RPC_INITIATED_DISCONNECT, "removed")
                assert not [task for task in asyncio.all_tasks() if "stream" in task.get_name()]
            finally:
                release.set()
                await asyncio.gather(*blocked)

    run(scenario)


def test_a_viewer_that_does_not_listen_is_cut_off_in_time(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with served(factory) as console, connected(console.port) as client:
            await client.until(lambda: client.connection.is_active)
            client.stop_reading()
            for seed in range(8):
                show(console, noise(640, 480, seed))
                await asyncio.sleep(0.02)
            start = loop.time()
            await console.close(ErrorInfo.RPC_INITIATED_DISCONNECT, "removed")
            assert loop.time() - start < 2.0
            assert console.viewers == []

    run(scenario)


def test_a_newcomer_is_always_answered(certificate_directory: Path) -> None:
    """However many sit at the door: the oldest of them goes."""
    config = Config(
        certificate_dir=certificate_directory,
        security=SecuritySettings(nla=False, tls=True),
        limits=replace(LIMITS, pending=3),
    )
    factory = ConnectionFactory(config)

    async def scenario() -> None:
        async with served(factory) as console:
            silent = [await asyncio.open_connection("127.0.0.1", console.port) for _ in range(3)]
            await eventually(lambda: len(factory.control.pending) == 3)
            async with connected(console.port) as client:
                await client.until(lambda: client.connection.is_active)
                with contextlib.suppress(ConnectionError):
                    assert await silent[0][0].read(1) == b""
                await eventually(lambda: len(factory.control.pending) == 2)
                assert factory.control.figures()["evicted"] == 1
                assert not silent[1][0].at_eof()
            for _, one in silent:
                one.close()
            await eventually(lambda: len(factory.control.pending) == 0)

    run(scenario)


def test_garbage_hurts_nobody(factory: ConnectionFactory, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with served(factory) as console, connected(console.port) as client:
            show(console, noise(64, 64))
            await client.until_shows(console.screen.pixels)
            reader, writer = await asyncio.open_connection("127.0.0.1", console.port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            while await reader.read(4096):
                pass
            writer.close()
            show(console, noise(64, 64, seed=1))
            await client.until_shows(console.screen.pixels)

    with caplog.at_level(logging.INFO):
        run(scenario)
    assert "Traceback" not in caplog.text


def test_the_log_names_connection_vm_and_user(
    factory: ConnectionFactory, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with served(factory) as console, connected(console.port, user="alice") as client:
            await client.until(lambda: client.connection.is_active)
            client.connection.disconnect()
            client.flush()
            await eventually(lambda: "Closed" in caplog.text)

    with caplog.at_level(logging.INFO):
        run(scenario)
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("[c")]
    assert [line.partition("] ")[2].split(" ")[0] for line in lines] == [
        "Connected",
        "Logged",
        "Active",
        "Closed",
    ]
    assert " vm=vm] " in lines[0]
    assert all(" vm=vm alice] " in line for line in lines[1:])


def test_what_a_backend_sees(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            vm = RegisteredVm(console)
            console.start(vm, RecordingSink(), "uuid")
            assert (vm.name, vm.uuid, vm.port, vm.viewer_count) == ("vm", "uuid", console.port, 0)
            assert vm.screen is console.screen
            assert vm.is_current
            async with connected(console.port) as client:
                await client.until(lambda: client.connection.is_active)
                await eventually(lambda: vm.viewer_count == 1)
            console.start("another", RecordingSink(), None)
            assert not vm.is_current

    run(scenario)


# -- how the VM is -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [status for status in VmStatus if status is not VmStatus.RUNNING])
def test_a_bad_moment_is_a_card_and_passes(factory: ConnectionFactory, status: VmStatus) -> None:
    async def scenario() -> None:
        async with served(factory) as console, connected(console.port) as client:
            console.start(object(), RecordingSink(), None)
            show(console, noise(320, 200))
            await client.until_shows(console.screen.pixels)
            console.set_status(status, "for a reason")
            await client.until_shows(console.display.pixels)
            assert not same_colors(client.picture, console.screen.pixels)
            console.screen.write(Rect(0, 0, 9, 9), noise(9, 9, seed=1))  # it goes on underneath
            console.set_status(VmStatus.RUNNING)
            await client.until_shows(console.screen.pixels)

    run(scenario)


def test_what_a_vm_shows_first_takes_its_card_away(factory: ConnectionFactory) -> None:
    """Also if that is what it showed before."""

    async def scenario() -> None:
        async with served(factory) as console:
            console.start("first", RecordingSink(), None)
            console.set_status(VmStatus.RUNNING)  # says so before it shows anything
            assert console.display.is_covered
            show(console, noise(64, 64))
            assert not console.display.is_covered
            console.lose("gone")
            console.start("second", RecordingSink(), None)
            assert console.display.is_covered
            show(console, noise(64, 64))
            assert not console.display.is_covered
            console.set_status(VmStatus.PAUSED)
            show(console, noise(64, 64, seed=1))
            assert console.display.is_covered
            assert console.status is VmStatus.PAUSED

    run(scenario)


@pytest.mark.parametrize(("status", "hears"), [(VmStatus.PAUSED, False), (VmStatus.NO_SIGNAL, True)])
def test_who_cannot_hear_is_not_typed_at(factory: ConnectionFactory, status: VmStatus, hears: bool) -> None:
    async def scenario() -> None:
        sink = RecordingSink()
        async with served(factory) as console:
            console.start(object(), sink, None)
            console.set_status(status)
            console.arbiter.apply("viewer", [KeyboardEvent(KeyboardFlags(0), 0x1E)])
            assert bool(sink.told) == hears

    run(scenario)


def test_only_the_latest_registration_is_believed(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            old, new = RegisteredVm(console), RegisteredVm(console)
            console.start(old, RecordingSink(), None)
            console.start(new, RecordingSink(), None)
            old.set_status(VmStatus.CRASHED)
            old.set_leds(7)
            old.set_pointer_mode(is_absolute=False)
            assert (console.status, console.leds) == (VmStatus.WAITING, None)
            assert console.arbiter.is_absolute
            new.set_status(VmStatus.CRASHED)
            new.set_leds(7)
            new.set_pointer_mode(is_absolute=False)
            assert (console.status, console.leds) == (VmStatus.CRASHED, 7)
            assert not console.arbiter.is_absolute

    run(scenario)


# -- who may what --------------------------------------------------------------------------------------

ACCOUNTS = Accounts()
for _user in ("alice", "bob", "carol"):
    ACCOUNTS = ACCOUNTS.with_password(_user, "", "secret")


@pytest.fixture
def strict(certificate_directory: Path) -> ConnectionFactory:
    """NLA with three accounts."""
    return ConnectionFactory(Config(certificate_dir=certificate_directory), accounts=ACCOUNTS)


def log_on(console: Console, user: str) -> AbstractAsyncContextManager[RdpClient]:
    return connected(console.port, user=user, password="secret")


def test_who_is_not_named_is_refused(strict: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(strict, settings=VmSettings(users=("alice",))) as console:
            async with log_on(console, "alice") as client:
                await client.until(lambda: client.connection.is_active)
            async with log_on(console, "bob") as client:
                await client.until(lambda: client.is_closed)
                assert client.error_info == ErrorInfo.SERVER_DENIED_CONNECTION
                assert client.bitmaps == []

    run(scenario)


def test_who_may_only_look(strict: ConnectionFactory) -> None:
    async def scenario() -> None:
        sink = RecordingSink()
        settings = VmSettings(users=("alice",), view_only_users=("bob",))
        async with served(strict, settings=settings) as console:
            console.start(object(), sink, None)
            show(console, noise(64, 64))
            async with log_on(console, "alice") as alice, log_on(console, "bob") as bob:
                await alice.until_shows(console.screen.pixels)
                await bob.until_shows(console.screen.pixels)
                bob.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1F)])
                bob.flush()
                bob.connection.request_refresh(Rect(0, 0, 1, 1))
                bob.bitmaps.clear()
                bob.flush()
                await bob.until(lambda: bool(bob.bitmaps))
                alice.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1E)])
                alice.flush()
                await eventually(lambda: sink.told == ["1e down"])

    run(scenario)


def test_a_users_new_viewer_takes_the_place_of_the_oldest(strict: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with (
            served(strict, settings=VmSettings(viewers=2)) as console,
            log_on(console, "alice") as one,
            log_on(console, "bob") as bob,
        ):
            await one.until(lambda: one.connection.is_active)
            await bob.until(lambda: bob.connection.is_active)
            async with log_on(console, "carol") as carol:
                await carol.until(lambda: carol.is_closed)
                assert carol.error_info == ErrorInfo.SERVER_DENIED_CONNECTION
            async with log_on(console, "alice") as two:
                await two.until(lambda: two.connection.is_active)
                await one.until(lambda: one.is_closed)
                assert one.error_info == ErrorInfo.DISCONNECTED_BY_OTHERCONNECTION
                assert sorted(viewer.principal.user for viewer in console.viewers) == ["alice", "bob"]
                assert not bob.is_closed

    run(scenario)


def test_one_at_a_time(strict: ConnectionFactory) -> None:
    async def scenario() -> None:
        sink = RecordingSink()
        settings = VmSettings(typists=ONE_AT_A_TIME)
        async with served(strict, settings=settings, input=InputSettings(idle_seconds=3600)) as console:
            console.start(object(), sink, None)
            async with log_on(console, "bob") as bob:
                await bob.until(lambda: bob.connection.is_active)
                async with log_on(console, "alice") as alice:
                    await alice.until(lambda: alice.connection.is_active)
                    alice.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1E)])
                    alice.flush()
                    await eventually(lambda: sink.told == ["1e down"])
                    bob.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1F)])
                    bob.flush()
                    bob.connection.request_refresh(Rect(0, 0, 1, 1))
                    bob.bitmaps.clear()
                    bob.flush()
                    await bob.until(lambda: bool(bob.bitmaps))
                    assert sink.told == ["1e down"]
                await eventually(lambda: sink.told == ["1e down", "1e up"])
                bob.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1F)])
                bob.flush()
                await eventually(lambda: sink.told[2:] == ["1f down"])

    run(scenario)


def test_other_settings_while_viewers_are_there(strict: ConnectionFactory) -> None:
    async def scenario() -> None:
        sink = RecordingSink()
        async with served(strict) as console:
            console.start(object(), sink, None)
            async with log_on(console, "alice") as alice, log_on(console, "bob") as bob:
                await alice.until(lambda: alice.connection.is_active)
                await bob.until(lambda: bob.connection.is_active)
                alice.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1E)])
                alice.flush()
                await eventually(lambda: sink.told == ["1e down"])
                console.configure(Config(vms={"vm": VmSettings(view_only_users=("alice",))}))
                assert sink.told == ["1e down", "1e up"]
                await bob.until(lambda: bob.is_closed)
                assert bob.error_info == ErrorInfo.SERVER_DENIED_CONNECTION
                assert not alice.is_closed

    run(scenario)
