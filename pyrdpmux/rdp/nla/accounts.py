"""Who may log on: a SAM file as WinPR writes it, one ``user:domain:lmhash:nthash:::`` a line."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from pyrdpmux.errors import ConfigError
from pyrdpmux.rdp.crypto.md4 import nt_hash as hash_password
from pyrdpmux.rdp.nla.logon import HASH_SIZE, NtlmLogon, Proof, check_ntlm

COMMENT: Final = "#"
_MAX_FIELDS: Final = 7


def _fold(name: str) -> str:
    """Windows compares account and domain names in upper case (MS-NLMP 3.2.5.1.2: case-insensitive)."""
    return name.upper()


@dataclass(frozen=True, slots=True)
class Account:
    """One line of the file. An empty ``domain`` stands for every domain."""

    user: str
    domain: str
    nt_hash: bytes = field(repr=False)

    def is_for(self, user: str, domain: str) -> bool:
        return _fold(self.user) == _fold(user) and _fold(self.domain) == _fold(domain)


def _parse_line(line: str) -> Account | None:
    """The account of a line, None for a comment or an empty line; ValueError says what is wrong."""
    text = line.strip()
    if not text or text.startswith(COMMENT):
        return None
    fields = text.split(":")
    if not 4 <= len(fields) <= _MAX_FIELDS:
        raise ValueError("expected user:domain:lmhash:nthash:::")
    user, domain, lm, nt = fields[:4]
    if not user:
        raise ValueError("the user name is empty")
    _parse_hash("LM", lm or "0" * 2 * HASH_SIZE)
    return Account(user, domain, _parse_hash("NT", nt))


def _parse_hash(kind: str, text: str) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != HASH_SIZE:
        raise ValueError(f"the {kind} hash is not {2 * HASH_SIZE} hexadecimal digits")
    return value


def lines_of(data: bytes, path: Path) -> list[str]:
    try:
        return data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start})") from error


def parse_lines(path: Path, lines: list[str]) -> list[Account | None]:
    accounts = []
    for number, line in enumerate(lines, start=1):
        try:
            accounts.append(_parse_line(line))
        except ValueError as error:
            raise ConfigError(f"{path}:{number}: {error}") from error
    return accounts


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of a file, or made for a demo with :meth:`with_password`."""

    accounts: tuple[Account, ...] = ()
    #: by name and domain, folded: a search would take longer for names that do not exist, which tells
    _index: dict[tuple[str, str], Account] = field(init=False, repr=False, compare=False)
    _domains: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index: dict[tuple[str, str], Account] = {}
        for account in self.accounts:
            index.setdefault((_fold(account.user), _fold(account.domain)), account)
        object.__setattr__(self, "_index", index)
        object.__setattr__(self, "_domains", frozenset([domain for _, domain in index]))

    @classmethod
    def parse(cls, data: bytes, path: Path) -> Self:
        """What a file contains that was read already. Raises ConfigError that names ``path`` and line."""
        parsed = parse_lines(path, lines_of(data, path))
        return cls(tuple([account for account in parsed if account is not None]))

    def has_domain(self, name: str) -> bool:
        """Whether somebody's account is of this domain."""
        return bool(name) and _fold(name) in self._domains

    def with_password(self, user: str, domain: str, password: str) -> "Accounts":
        """These accounts and one more, in memory only."""
        return Accounts((*self.accounts, Account(user, domain, hash_password(password))))

    def nt_hash(self, user: str, domain: str) -> bytes | None:
        """The NT hash of a user's account, or None where there is none."""
        account = self.find(user, domain)
        return account.nt_hash if account is not None else None

    def check(self, logon: NtlmLogon) -> Proof | None:
        """An ``AccountCheck``: the account that was proved, by its own name, or None."""
        account = self.find(logon.user, logon.domain)
        proof = check_ntlm(logon, account.nt_hash if account is not None else None)
        if proof is None or account is None:
            return None
        return replace(proof, user=account.user, domain=account.domain)

    def find(self, user: str, domain: str) -> Account | None:
        """The account of that very domain, otherwise one without a domain.

        NTLM clients name the server, "." or nothing at all as the domain of a local account, so an account
        without domain answers for every domain.
        """
        name = _fold(user)
        return self._index.get((name, _fold(domain))) or self._index.get((name, ""))
