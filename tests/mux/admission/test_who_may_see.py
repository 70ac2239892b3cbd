"""No order of registering, leaving and reloading shows a VM to who was not proved against that VM's accounts.

A model of its own keeps, for each VM that is there, which accounts are its: another number whenever they
have been something else in between, or the VM has. Whoever logs on gets a ticket from the real thing; the
model notes which accounts the password was good for at that moment. Whenever the real thing opens a
console, the numbers must be the same.
"""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from pyrdpmux.files.sam_file import set_password
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.admission.identities import Identity, load_identities
from pyrdpmux.mux.admission.networks import Origin
from pyrdpmux.mux.admission.ticket import Ticket
from pyrdpmux.mux.backend import Vm
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.gateway.session import GatewaySession
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.settings.access import Proved
from pyrdpmux.mux.settings.config import Config, VmSettings
from pyrdpmux.rdp.connection.server.destination import Destination
from tests.mux.admission.logons import logon_of
from tests.mux.recording_sink import RecordingSink

NAMES = ("mail", "alice")
USERS = ("alice", "bob")
#: the same names in each, with another password: what opens one is wrong for the others
FILES = ("accounts", "own")
HERE = Origin.of("192.0.2.1")

names = st.sampled_from(NAMES)
users = st.sampled_from(USERS)
files = st.sampled_from(FILES)


@dataclass(frozen=True)
class Session:
    """Somebody who has logged on: what the real thing gave out, and what the model knows of the password."""

    ticket: Ticket
    #: the accounts it was good for
    accounts: tuple[int, ...]
    #: the only VM it is for, in its incarnation of then
    vm: int | None
    gateway: GatewaySession


class Model:
    """Which accounts are in force, as plain numbers."""

    def __init__(self) -> None:
        self._numbers = 0
        self.common = ("accounts", self.fresh())
        self.configured: dict[str, tuple[str, int]] = {}
        self.brought: dict[str, tuple[str, int]] = {}
        self.vms: dict[str, int] = {}

    def fresh(self) -> int:
        self._numbers += 1
        return self._numbers

    def of(self, name: str) -> tuple[str, tuple[int, ...]]:
        """File and number; a VM's own accounts are those of this incarnation of it only."""
        if name in self.configured:
            file, number = self.configured[name]
            return file, (number, self.vms[name])
        if name in self.brought:
            file, number = self.brought[name]
            return file, (number, self.vms[name])
        return self.common[0], (self.common[1],)


class WhoMaySee(RuleBasedStateMachine):
    directory: ClassVar[Path]
    certificates: ClassVar[Path]
    identities: ClassVar[dict[Path, Identity]]

    sessions = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.model = Model()
        self.config = Config(
            certificate_dir=self.certificates,
            state_dir=self.directory,
            limits=replace(Config().limits, failed_logons_per_minute=0),
        )
        self.factory = ConnectionFactory(self.config, identities=lambda config: self.identities)
        self.registry = self.loop.run_until_complete(self._make_registry())
        self.vms: dict[str, Vm] = {}
        self.seen: list[Session] = []

    async def _make_registry(self) -> Registry:
        registry = Registry(self.config, self.factory)

        async def listens(console: Console, preferred: int) -> None:
            """No sockets here: this is about who may see what."""

        registry._listen = listens  # type: ignore[method-assign]
        return registry

    def teardown(self) -> None:
        self.loop.run_until_complete(self.registry.close("done"))
        self.factory.files.close()
        self.loop.close()

    # -- VMs come, go, and bring accounts along ------------------------------------------------------

    @rule(name=names, file=st.none() | files)
    def register(self, name: str, file: str | None) -> None:
        """As librdpmux's server does: its accounts first, then the VM."""
        self._bring(name, file)
        self.vms[name] = self.loop.run_until_complete(self.registry.add_vm(name, input=RecordingSink()))
        if name not in self.model.vms:
            self.model.vms[name] = self.model.fresh()

    @rule(name=names, file=st.none() | files)
    def set_credential_file(self, name: str, file: str | None) -> None:
        if name in self.model.vms:
            self._bring(name, file)

    def _bring(self, name: str, file: str | None) -> None:
        path = self.directory / f"{file}.sam" if file is not None else None
        self.factory.set_accounts(name, path)
        if file is None:
            self.model.brought.pop(name, None)
        elif self.model.brought.get(name, ("", 0))[0] != file:
            self.model.brought[name] = (file, self.model.fresh())

    @rule(name=names, forgets=st.booleans())
    def leave(self, name: str, forgets: bool) -> None:
        if name not in self.model.vms:
            return
        self.loop.run_until_complete(self.registry.remove_vm(self.vms.pop(name), "gone"))
        del self.model.vms[name]
        if forgets:
            self._bring(name, None)

    @rule(common=files, own=st.dictionaries(names, files, max_size=2))
    def reload(self, common: str, own: dict[str, str]) -> None:
        vms = {name: VmSettings(accounts=self.directory / f"{file}.sam") for name, file in own.items()}
        config = replace(self.config, accounts=self.directory / f"{common}.sam", vms=vms)
        self.loop.run_until_complete(self.registry.reconfigure(config))
        if self.model.common[0] != common:
            self.model.common = (common, self.model.fresh())
        before = self.model.configured
        self.model.configured = {
            name: before[name] if before.get(name, ("",))[0] == file else (file, self.model.fresh())
            for name, file in own.items()
        }

    # -- somebody logs on ----------------------------------------------------------------------------

    @rule(
        target=sessions,
        user=users,
        is_right=st.sampled_from((True, True, True, False)),
        vm=st.none() | names,
        how=st.sampled_from(("domain", "at", "token", "own port")),
    )
    def log_on(self, user: str, is_right: bool, vm: str | None, how: str) -> object:
        """With the password that is right there, or in the other file, on each way to name a VM."""
        gateway = GatewaySession(self.registry, self.factory)
        said, domain = user, ""
        resolver: GatewaySession | Console = gateway
        if vm is not None and how == "domain":
            domain = vm
        elif vm is not None and how == "at":
            said = f"{user}@{vm}"
        elif vm is not None and how == "token":
            gateway.select(Destination(None, f"vm={vm}".encode()))
        elif vm is not None:
            console = self.registry.find(vm)
            if console is None:
                return multiple()
            resolver = console
        meant = vm if vm in self.model.vms else None  # a name that is no VM's is a domain like any other
        common, common_number = self.model.common
        right, number = self.model.of(meant) if meant is not None else (common, (common_number,))
        file = right if is_right else next(file for file in FILES if file != right)
        proof = self.loop.run_until_complete(
            self.factory.desk.check(logon_of(said, domain, f"{user} in {file}"), resolver, HERE)
        )
        if proof is None:
            return multiple()
        assert isinstance(proof.ticket, Ticket)
        assert right == file, "a password that is not right here"
        incarnation = self.model.vms[meant] if meant is not None else None
        session = Session(proof.ticket, number, incarnation, gateway)
        self.seen.append(session)
        return session

    # -- and goes wherever it can --------------------------------------------------------------------

    @rule(session=sessions)
    def enter(self, session: Session) -> None:
        """Right after the logon, however late, and from the list."""
        stage, principal = session.gateway.identify(session.ticket.principal, session.ticket)
        assert principal == session.ticket.principal
        if isinstance(stage, Console) and not self.factory.objection(stage, principal, session.ticket):
            self._check(session, stage.name)

    @invariant()
    def nobody_sees_what_was_not_proved(self) -> None:
        for session in self.seen:
            for console in self.registry.consoles:
                if console.admits(session.ticket.principal, session.ticket):
                    self._check(session, console.name)

    def _check(self, session: Session, name: str) -> None:
        assert session.accounts == self.model.of(name)[1], f"{name} is open to {session}"
        assert session.vm in (None, self.model.vms[name])

    @invariant()
    def who_has_just_proved_it_gets_in(self) -> None:
        """The other direction: tickets are not refused for nothing."""
        for session in self.seen:
            for name in self.model.vms:
                if session.accounts == self.model.of(name)[1] and session.vm in (
                    None,
                    self.model.vms[name],
                ):
                    console = self.registry.find(name)
                    assert console is not None
                    assert console.admits(session.ticket.principal, session.ticket)


def test_no_order_of_events_opens_a_vm(certificate_directory: Path, tmp_path: Path) -> None:
    for file in FILES:
        for user in USERS:
            set_password(tmp_path / f"{file}.sam", user, "", f"{user} in {file}")
    WhoMaySee.directory, WhoMaySee.certificates = tmp_path, certificate_directory
    WhoMaySee.identities = load_identities(Config(certificate_dir=certificate_directory))
    run_state_machine_as_test(
        WhoMaySee,
        settings=settings(
            max_examples=150,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


def test_a_ticket_is_one_principals(certificate_directory: Path, tmp_path: Path) -> None:
    """What a client says of itself later does not change who it is."""

    async def scenario() -> None:
        factory = ConnectionFactory(Config(certificate_dir=certificate_directory, state_dir=tmp_path))
        console = Console("vm", factory, factory.config)
        ticket = Ticket(Proved("alice"), factory.accounts.common)
        assert console.admits(Proved("alice"), ticket)
        assert not console.admits(Proved("bob"), ticket)
        assert not console.admits(Proved("alice"), None)

    asyncio.run(scenario())


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")
