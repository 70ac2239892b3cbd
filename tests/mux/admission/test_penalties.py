import asyncio
import contextlib
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from pyrdpmux.errors import AuthenticationFailed
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.admission.penalties import MAX_ADDRESSES, WINDOW_SECONDS, FailedLogons, network_of
from pyrdpmux.mux.config import Config, LimitSettings
from pyrdpmux.rdp.connection.events import Disconnected
from pyrdpmux.rdp.tls.accounts import Accounts
from tests.mux.rdp_client import connected
from tests.mux.serving import run, served

#: less than Limits.connection_initiation
SECONDS = 5.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_failures_a_minute_and_no_more() -> None:
    clock = Clock()
    failed = FailedLogons(3, clock)
    assert [failed.note("10.0.0.1") for _ in range(5)] == [False, False, True, False, False]
    assert failed.is_refused("10.0.0.1")
    assert not failed.is_refused("10.0.0.2")
    clock.now += WINDOW_SECONDS - 1
    assert failed.is_refused("10.0.0.1")
    clock.now += 1
    assert not failed.is_refused("10.0.0.1")
    assert [failed.note("10.0.0.1") for _ in range(3)] == [False, False, True]


def test_failures_far_between_are_of_people() -> None:
    clock = Clock()
    failed = FailedLogons(2, clock)
    for _ in range(10):
        assert not failed.note("10.0.0.1")
        clock.now += WINDOW_SECONDS


def test_it_can_be_switched_off_and_changed() -> None:
    failed = FailedLogons(0, Clock())
    assert not any(failed.note("10.0.0.1") for _ in range(100))
    assert not len(failed)
    failed.limit = 2
    assert [failed.note("10.0.0.1") for _ in range(2)] == [False, True]
    failed.limit = 0
    assert not failed.is_refused("10.0.0.1")


def test_what_is_remembered_is_bounded() -> None:
    clock = Clock()
    failed = FailedLogons(2, clock)
    for number in range(MAX_ADDRESSES + 1):
        failed.note(f"address {number}")
    assert len(failed) == MAX_ADDRESSES
    assert not failed.note("address 0")  # forgotten
    assert failed.note(f"address {MAX_ADDRESSES}")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "192.0.2.1", False),
    ],
)
def test_who_is_the_same(one: str, other: str, is_same: bool) -> None:
    assert (network_of(one) == network_of(other)) == is_same


def test_who_guesses_is_refused_at_every_vm_and_logged_once(
    certificate_directory: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limits = LimitSettings(failed_logons_per_minute=2)
    config = Config(certificate_dir=certificate_directory, state_dir=tmp_path, limits=limits)
    factory = ConnectionFactory(config, accounts=Accounts().with_password("alice", "", "secret"))

    async def guess(port: int) -> None:
        async with connected(port, user="alice", password="wrong") as client:
            await client.until(lambda: client.is_closed)
            assert isinstance(client.seen(Disconnected)[0].error, AuthenticationFailed)

    async def until_refused(port: int) -> None:
        """Nothing is answered; who is not refused hears nothing before its time is over, which is longer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(SECONDS):
                assert await reader.read(1) == b""
        writer.close()

    async def scenario() -> None:
        async with served(factory) as console, served(factory) as another:
            await guess(console.port)
            async with connected(another.port, user="alice", password="secret") as client:
                await client.until(lambda: client.connection.is_active)
                await guess(console.port)
                await until_refused(console.port)
                await until_refused(another.port)
                assert client.connection.is_active, "who is in stays"
            factory.reload(replace(config, limits=LimitSettings(failed_logons_per_minute=0)))
            async with connected(another.port, user="alice", password="secret") as client:
                await client.until(lambda: client.connection.is_active)

    with caplog.at_level(logging.INFO):
        run(scenario)
    assert caplog.text.count("127.0.0.1 is refused for a minute: 2 failed logons") == 1
    assert "Refused" not in caplog.text
