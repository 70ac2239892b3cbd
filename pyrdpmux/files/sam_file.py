"""A SAM file: read, and one account in it written."""

from pathlib import Path

from pyrdpmux.errors import ConfigError
from pyrdpmux.files.private_file import read_file, read_private, write_private
from pyrdpmux.rdp.crypto.md4 import nt_hash as hash_password
from pyrdpmux.rdp.nla.accounts import COMMENT, Accounts, lines_of, parse_lines


def load_accounts(path: Path) -> Accounts:
    """Raises ConfigError that names file and line, also if others may read or write it."""
    return Accounts.parse(read_private(path), path)


def set_password(path: Path, user: str, domain: str, password: str) -> bool:
    """Write or replace one account in the file at ``path``, keeping all other lines as they are.

    True if the account is new. The file is replaced atomically and readable by its owner only.
    """
    for name, value in (("user", user), ("domain", domain)):
        if any(char in ":\n\r" or not char.isprintable() for char in value) or value != value.strip():
            raise ConfigError(f"{value!r}: a {name} name cannot contain that")
    if not user or user.startswith(COMMENT):
        raise ConfigError(f"{user!r}: not a user name")
    # Whoever may read it now: afterwards it is private.
    lines = lines_of(read_file(path), path) if path.exists() else []
    entry = f"{user}:{domain}::{hash_password(password).hex()}:::"
    parsed = parse_lines(path, lines)
    matches = [i for i, account in enumerate(parsed) if account is not None and account.is_for(user, domain)]
    if matches:
        lines[matches[0]] = entry
    else:
        lines.append(entry)
    write_private(path, "".join([f"{line}\n" for line in lines]).encode())
    return not matches
