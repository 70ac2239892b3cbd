"""A SAM file: read, and accounts in it written and removed."""

import os
from pathlib import Path

from pyrdpmux.errors import ConfigError
from pyrdpmux.files.private_file import read_private, read_to_change, write_private
from pyrdpmux.rdp.crypto.md4 import nt_hash as hash_password
from pyrdpmux.rdp.nla.accounts import COMMENT, Accounts, lines_of, parse_lines


def load_accounts(path: Path) -> Accounts:
    """Raises ConfigError that names file and line, also if others may read or write it."""
    return Accounts.parse(read_private(path), path)


def read_accounts(path: Path) -> Accounts:
    """The same for who may change it: root, whosever it is."""
    return Accounts.parse(read_to_change(path)[0], path)


def set_password(path: Path, user: str, domain: str, password: str) -> bool:
    """Write or replace one account in the file at ``path``, keeping all other lines as they are.

    True if the account is new. The file is replaced atomically and keeps its owner and mode; a new one is
    readable by its owner only.
    """
    for name, value in (("user", user), ("domain", domain)):
        if any(char in ":\n\r" or not char.isprintable() for char in value) or value != value.strip():
            raise ConfigError(f"{value!r}: a {name} name cannot contain that")
    if not user or user.startswith(COMMENT):
        raise ConfigError(f"{user!r}: not a user name")
    path = path.resolve()  # a link stays one
    lines, like = _read_lines(path) if path.exists() else ([], None)
    entry = f"{user}:{domain}::{hash_password(password).hex()}:::"
    matches = _lines_of(path, lines, user, domain)
    if matches:
        lines[matches[0]] = entry
    else:
        lines.append(entry)
    _write_lines(path, lines, like)
    return not matches


def remove_account(path: Path, user: str, domain: str) -> bool:
    """Take every line of this account out of the file; whether there was one."""
    path = path.resolve()
    lines, like = _read_lines(path)
    matches = _lines_of(path, lines, user, domain)
    if matches:
        _write_lines(path, [line for i, line in enumerate(lines) if i not in matches], like)
    return bool(matches)


def _read_lines(path: Path) -> tuple[list[str], os.stat_result]:
    data, status = read_to_change(path)
    return lines_of(data, path), status


def _lines_of(path: Path, lines: list[str], user: str, domain: str) -> list[int]:
    parsed = parse_lines(path, lines)
    return [i for i, account in enumerate(parsed) if account is not None and account.is_for(user, domain)]


def _write_lines(path: Path, lines: list[str], like: os.stat_result | None) -> None:
    write_private(path, "".join([f"{line}\n" for line in lines]).encode(), like)
