"""The question that NTLM comes down to, and its answer: challenge and response in, session key out.

Who answers knows passwords or their hashes; who asks needs neither, and can be in another process.
"""

import hmac
from dataclasses import dataclass, field
from typing import Final, Protocol

from pyrdpmux.rdp.nla.ntlm_messages import PROOF_SIZE
from pyrdpmux.rdp.nla.ntlm_session import nt_proof, response_key, session_base_key

HASH_SIZE: Final = 16
_NO_HASH: Final = bytes(HASH_SIZE)
"""Stands in for the hash of a user who does not exist; no response is right for it."""


@dataclass(frozen=True, slots=True)
class NtlmLogon:
    """What a client says of itself, and what it made of its password (NTLMv2, MS-NLMP 2.2.2.8).

    The response does not print: passwords can be guessed from it at leisure.
    """

    #: as the client spells them, unchecked
    user: str
    domain: str
    server_challenge: bytes = field(repr=False)
    nt_challenge_response: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proof:
    """The response was right: the account's names, and the session key that follows from the password."""

    session_base_key: bytes = field(repr=False)
    user: str
    domain: str
    #: whatever the owner wants to have back with ``LoggedOn``; nobody on the way looks into it
    ticket: object | None = None


class AccountCheck(Protocol):
    """Who may log on, answering at once: :class:`~pyrdpmux.rdp.nla.accounts.Accounts`, or anything alike."""

    def check(self, logon: NtlmLogon) -> Proof | None:
        """The proof, or None for a wrong password and for a user who does not exist alike."""


def check_ntlm(logon: NtlmLogon, nt_hash: bytes | None) -> Proof | None:
    """Compare a response with the NT hash of the account, None where there is no such account.

    INVARIANT: an unknown user costs the same work as a wrong password, so that time does not tell which
    names exist.
    """
    response = logon.nt_challenge_response
    given, client_part = response[:PROOF_SIZE], response[PROOF_SIZE:]
    stored = _NO_HASH if nt_hash is None else nt_hash
    # MS-NLMP 3.2.5.1.2: clients that leave the domain out of the key are to be served too.
    for domain in (logon.domain, ""):
        key = response_key(stored, logon.user, domain)
        expected = nt_proof(key, logon.server_challenge, client_part)
        if hmac.compare_digest(expected, given) and nt_hash is not None:
            return Proof(session_base_key(key, given), logon.user, logon.domain)
    return None
