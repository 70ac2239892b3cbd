"""What a client makes of a password."""

from typing import Final

from pyrdpmux.rdp.crypto.md4 import nt_hash
from pyrdpmux.rdp.nla.logon import NtlmLogon
from pyrdpmux.rdp.nla.ntlm_session import nt_proof, response_key

CHALLENGE: Final = bytes(range(8))
CLIENT_PART: Final = bytes(44)


def logon_of(user: str, domain: str, password: str) -> NtlmLogon:
    key = response_key(nt_hash(password), user, domain)
    return NtlmLogon(user, domain, CHALLENGE, nt_proof(key, CHALLENGE, CLIENT_PART) + CLIENT_PART)
