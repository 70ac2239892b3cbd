"""Where passwords are checked: a challenge and its response come in, a proof with a ticket goes out.

INVARIANT: whose accounts count and for which VM is decided here, once, before the password is looked at; it
goes out on the ticket. Hashes stay here.
"""

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Protocol

from pyrdpmux.mux.admission.account_file import AccountSource
from pyrdpmux.mux.admission.control import AdmissionControl
from pyrdpmux.mux.admission.networks import Origin
from pyrdpmux.mux.admission.ticket import AccountsInForce, Ticket
from pyrdpmux.mux.log.connection_log import printable
from pyrdpmux.mux.settings.access import Proved
from pyrdpmux.rdp.nla.accounts import Account
from pyrdpmux.rdp.nla.logon import NtlmLogon, Proof, check_ntlm

logger = logging.getLogger("pyrdpmux.mux")


@dataclass(frozen=True, slots=True)
class LogonTarget:
    """What a name means at the port that it was said at."""

    #: without what names a VM
    user: str
    domain: str
    accounts: AccountsInForce
    source: AccountSource
    #: serial number of the console that is meant; None: none in particular
    console: int | None


class Resolver(Protocol):
    """Knows what names mean at a port: a console's own, or the gateway."""

    def resolve(self, user: str, domain: str) -> LogonTarget | None:
        """None: a VM is meant that is not there."""


class LogonDesk:
    """Of all ports of a daemon."""

    def __init__(self, control: AdmissionControl, decoy: Callable[[], AccountSource]) -> None:
        """``decoy``: what is read for a VM that is not there."""
        self._control = control
        self._decoy = decoy

    async def check(
        self, logon: NtlmLogon, resolver: Resolver, origin: Origin, *, is_exempt: bool = False
    ) -> Proof | None:
        """The proof for a right password, with its :class:`Ticket`; None for a wrong one, in due time.

        INVARIANT: unknown users and VMs take the same way and the same time as wrong passwords.
        """
        target = resolver.resolve(logon.user, logon.domain)
        key = _key_of(logon, target, await self._find(target))
        guesses = self._control.guesses
        if is_exempt:
            return await self._answer(logon, target, origin, key)
        async with guesses.attempt(origin.narrow, key):
            return await self._answer(logon, target, origin, key)

    async def _answer(
        self, logon: NtlmLogon, target: LogonTarget | None, origin: Origin, key: Hashable
    ) -> Proof | None:
        account = await self._find(target)
        proof = check_ntlm(logon, account.nt_hash if account is not None else None)
        guesses = self._control.guesses
        if proof is None or account is None or target is None:
            if guesses.failed(origin.narrow, key):
                logger.warning(
                    "%s waits longer and longer: it guesses at the password of %s",
                    origin.narrow,
                    printable(logon.user),
                )
            return None
        guesses.succeeded(origin.narrow, key)
        self._control.penalties.forgive(origin)
        principal = Proved(account.user, account.domain)
        ticket = Ticket(principal, target.accounts, target.console)
        return replace(proof, user=account.user, domain=account.domain, ticket=ticket)

    async def _find(self, target: LogonTarget | None) -> Account | None:
        if target is None:
            await self._decoy().read()
            return None
        return (await target.source.read()).find(target.user, target.domain)


def _key_of(logon: NtlmLogon, target: LogonTarget | None, account: Account | None) -> Hashable:
    """The account that is guessed at, however its name is spelled; what does not exist has a key, too."""
    if target is None:
        return logon.user.upper()
    if account is None:
        return target.accounts.source, target.user.upper()
    return target.accounts.source, account.user.upper(), account.domain.upper()
