"""A challenge and its response in, a proof with a ticket out: whose accounts counted is on it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest

from pyrdpmux.mux.admission.account_file import AccountSource
from pyrdpmux.mux.admission.control import AdmissionControl
from pyrdpmux.mux.admission.guesses import FREE_GUESSES
from pyrdpmux.mux.admission.logon_desk import LogonDesk, LogonTarget
from pyrdpmux.mux.admission.networks import Origin
from pyrdpmux.mux.admission.penalties import Failure
from pyrdpmux.mux.admission.ticket import AccountsInForce, Ticket
from pyrdpmux.mux.settings.access import Proved
from pyrdpmux.mux.settings.config import LimitSettings
from pyrdpmux.net.fair import FairSchedule
from pyrdpmux.rdp.nla.accounts import Accounts
from pyrdpmux.rdp.nla.logon import NtlmLogon
from tests.mux.admission.logons import logon_of

HERE = Origin.of("192.0.2.1")
IN_FORCE = AccountsInForce("accounts.sam", 5, console=3)


@dataclass
class Source:
    """Accounts that somebody may change between two looks."""

    accounts: Accounts
    reads: int = 0
    before_read: Callable[[], None] = field(default=lambda: None)

    async def read(self) -> Accounts:
        self.reads += 1
        self.before_read()
        await asyncio.sleep(0)
        return self.accounts


@dataclass
class Port:
    """Every name means itself, and ``nowhere`` a VM that is not there."""

    source: AccountSource
    in_force: AccountsInForce = IN_FORCE

    def resolve(self, user: str, domain: str) -> LogonTarget | None:
        if domain == "nowhere":
            return None
        return LogonTarget(user, domain, self.in_force, self.source, self.in_force.console)


class Desk:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.source = Source(Accounts().with_password("Alice", "", "secret"))
        self.decoy = Source(Accounts())
        self.control = AdmissionControl(LimitSettings(), FairSchedule(), lambda: self.now)
        self.desk = LogonDesk(self.control, lambda: self.decoy)
        self.port = Port(self.source)

    async def ticket(self, logon: NtlmLogon, *, is_exempt: bool = False) -> Ticket | None:
        proof = await self.desk.check(logon, self.port, HERE, is_exempt=is_exempt)
        if proof is None:
            return None
        assert isinstance(proof.ticket, Ticket)
        return proof.ticket


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await scenario()

    asyncio.run(bounded())


def test_a_right_password_is_a_ticket() -> None:
    async def scenario() -> None:
        made = Desk()
        ticket = await made.ticket(logon_of("ALICE", "somewhere", "secret"))
        assert ticket == Ticket(Proved("Alice", ""), IN_FORCE, 3), "by the account's own name"
        assert await made.ticket(logon_of("alice", "", "wrong")) is None
        assert await made.ticket(logon_of("bob", "", "secret")) is None

    run(scenario)


def test_what_counts_is_decided_before_the_password_is_looked_at() -> None:
    """Accounts become others while the file is read: the ticket is of those that were asked for."""

    async def scenario() -> None:
        made = Desk()

        def change() -> None:
            made.port.in_force = replace(IN_FORCE, epoch=6)

        made.source.before_read = change
        ticket = await made.ticket(logon_of("alice", "", "secret"))
        assert ticket is not None
        assert ticket.accounts == IN_FORCE
        assert ticket.objection(3, made.port.in_force)

    run(scenario)


def test_a_vm_that_is_not_there_takes_the_same_way() -> None:
    async def scenario() -> None:
        made = Desk()
        assert await made.ticket(logon_of("alice", "nowhere", "secret")) is None
        assert (made.source.reads, made.decoy.reads) == (0, 2)
        assert await made.ticket(logon_of("alice", "", "wrong")) is None
        assert made.source.reads == 2

    run(scenario)


def test_spelling_does_not_help_a_guesser(monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = asyncio.sleep

    async def scenario() -> None:
        made = Desk()

        async def notes(seconds: float) -> None:
            made.slept.append(seconds)
            await sleep(0)

        monkeypatch.setattr(asyncio, "sleep", notes)
        for number in range(FREE_GUESSES + 2):
            user = "alice" if number % 2 else "ALICE"
            assert await made.ticket(logon_of(user, f"domain{number}", f"guess {number}")) is None
        monkeypatch.setattr(asyncio, "sleep", sleep)
        waits = [seconds for seconds in made.slept if seconds]
        assert waits == [1.0, 2.0]

    run(scenario)


def test_the_right_password_makes_a_networks_failures_good() -> None:
    async def scenario() -> None:
        made = Desk()
        for _ in range(30):
            made.control.penalties.note(HERE, Failure.JUNK)
        assert made.control.penalties.is_suspect(HERE)
        assert await made.ticket(logon_of("alice", "", "secret")) is not None
        assert not made.control.penalties.is_suspect(HERE)

    run(scenario)


def test_exempt_networks_do_not_wait() -> None:
    async def scenario() -> None:
        made = Desk()
        for _ in range(20):
            assert await made.ticket(logon_of("alice", "", "wrong"), is_exempt=True) is None

    run(scenario)
