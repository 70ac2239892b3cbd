"""A SAM file: read, and accounts in it written and removed."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pyrdpmux.errors import ConfigError
from pyrdpmux.files.private_file import read_private, read_to_change, write_private
from pyrdpmux.rdp.crypto.md4 import nt_hash as hash_password
from pyrdpmux.rdp.nla.accounts import COMMENT, Accounts, lines_of, parse_lines

_ROOT: Final = 0


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
    path = _real_path(path)
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
    path = _real_path(path)
    lines, like = _read_lines(path)
    matches = _lines_of(path, lines, user, domain)
    if matches:
        _write_lines(path, [line for i, line in enumerate(lines) if i not in matches], like)
    return bool(matches)


def _real_path(path: Path) -> Path:
    """Where links lead, so that a link stays one. Raises ConfigError.

    Root follows its own ones, and those of whom the file belongs to: anybody else who may name a file for
    root to change could have an account of his own in somebody else's.
    """
    try:
        real = path.resolve()
        if os.geteuid() == _ROOT:
            for link in _links(path.absolute()):
                _check_link(link, real)
    except (OSError, RuntimeError) as error:  # the latter for links in a circle
        raise ConfigError(f"{path}: cannot read: {getattr(error, 'strerror', error)}") from error
    return real


def _check_link(link: Path, real: Path) -> None:
    uid, owner = link.lstat().st_uid, (real if real.exists() else real.parent).stat().st_uid
    if uid not in (_ROOT, owner):
        raise ConfigError(f"{link}: uid {uid}'s link to {real}, which is uid {owner}'s: name that itself")


def _links(path: Path) -> Iterator[Path]:
    """Those on the way to what the path stands for; they are in no circle."""
    for part in (*reversed(path.parents), path):
        if part.is_symlink():
            yield part
            yield from _links(part.parent / part.readlink() / path.relative_to(part))
            return


def _read_lines(path: Path) -> tuple[list[str], os.stat_result]:
    data, status = read_to_change(path)
    return lines_of(data, path), status


def _lines_of(path: Path, lines: list[str], user: str, domain: str) -> list[int]:
    parsed = parse_lines(path, lines)
    return [i for i, account in enumerate(parsed) if account is not None and account.is_for(user, domain)]


def _write_lines(path: Path, lines: list[str], like: os.stat_result | None) -> None:
    write_private(path, "".join([f"{line}\n" for line in lines]).encode(), like)
