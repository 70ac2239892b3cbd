"""Who had to go is gone: no connection without a place waits for an answer, or for its turn."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.settings.config import Config, LimitSettings
from pyrdpmux.net.fair import Kind
from pyrdpmux.rdp.nla.accounts import Accounts
from tests.mux.rdp_client import connected, eventually
from tests.mux.serving import run, served

ALICE = Accounts().with_password("alice", "", "secret")


@pytest.fixture
def factory(certificate_directory: Path, tmp_path: Path) -> ConnectionFactory:
    limits = LimitSettings(pending=2, attempts_per_second=0)
    config = Config(certificate_dir=certificate_directory, state_dir=tmp_path, limits=limits)
    return ConnectionFactory(config, accounts=ALICE)


def test_nobody_stays_who_waits_for_an_answer_to_its_password(factory: ConnectionFactory) -> None:
    """Guesses at one account are answered one after the other, in half a minute each."""

    async def scenario() -> None:
        async with served(factory) as console, AsyncExitStack() as clients:
            guesses = factory.control.guesses
            for _ in range(8):
                guesses.failed("127.0.0.1", ("given", "ALICE", ""))
            for _ in range(8):
                await clients.enter_async_context(connected(console.port, user="alice", password="wrong"))
                await asyncio.sleep(0.1)
            await eventually(lambda: sum(users for _, users in guesses._queues.values()) <= 2)
            assert len(console.acceptor._visitors) <= 2

    run(scenario)


def test_nobody_stays_who_waits_for_a_turn(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        somebody = factory.schedule.share(Kind.VIEWER, "somebody")
        async with served(factory) as console, AsyncExitStack() as clients, somebody.turn():
            for _ in range(8):
                await clients.enter_async_context(connected(console.port, user="alice", password="wrong"))
            await eventually(lambda: factory.control.pending.evicted == 6)
            await eventually(lambda: len(console.acceptor._visitors) <= 2)

    run(scenario)
