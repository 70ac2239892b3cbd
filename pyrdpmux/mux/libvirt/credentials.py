"""The one user whom libvirt names, and the certificate that it configures."""

from pathlib import Path

from pyrdpmux.files import certificate_file
from pyrdpmux.mux.admission.identities import Identity
from pyrdpmux.rdp.nla.accounts import Account, Accounts
from pyrdpmux.rdp.nla.logon import NtlmLogon, Proof


class Credentials:
    """Who may log on: nobody until libvirt has said it. Its word replaces what it said before."""

    def __init__(self) -> None:
        self._accounts = Accounts()

    def set(self, user: str, password: str, domain: str) -> None:
        """An empty user or password admits nobody."""
        self._accounts = Accounts()
        if user and password:
            self._accounts = self._accounts.with_password(user, domain, password)

    def check(self, logon: NtlmLogon) -> Proof | None:
        return self._accounts.check(logon)

    def nt_hash(self, user: str, domain: str) -> bytes | None:
        return self._accounts.nt_hash(user, domain)

    def find(self, user: str, domain: str) -> Account | None:
        return self._accounts.find(user, domain)


def load_identity(certificate_path: Path, key_path: Path) -> Identity:
    """ConfigError if libvirt's certificate cannot be used."""
    found = certificate_file.load(certificate_path, key_path)
    return Identity(found, certificate_file.server_context(certificate_path, key_path))
