"""`pyrdpmux passwd` and `pyrdpmux user`: who may log on, in the SAM files of the configuration."""

import argparse
import getpass
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyrdpmux.cli.options import EXIT_OK, Command, add_common, make_config
from pyrdpmux.errors import ConfigError, MuxError
from pyrdpmux.files.sam_file import read_accounts, remove_account, set_password
from pyrdpmux.mux.log.door import escaped
from pyrdpmux.mux.settings.access import split_name
from pyrdpmux.mux.settings.vm_names import vm_name
from pyrdpmux.rdp.crypto.md4 import nt_hash
from pyrdpmux.rdp.nla.accounts import Account, Accounts

if TYPE_CHECKING:
    from pyrdpmux.cli.options import Commands

USER: Final = "[DOMAIN\\]USER"


def add_passwd(commands: "Commands") -> None:
    passwd = commands.add_parser("passwd", help="add a user, or change a user's password")
    passwd.set_defaults(command=run_passwd)
    passwd.add_argument("user", metavar=USER)
    _add_stdin(passwd)
    _add_file(passwd)


def add_user(commands: "Commands") -> None:
    user = commands.add_parser("user", help="list users, remove one, or check the file and a password")
    user.set_defaults(command=run_user)
    user.add_argument("action", metavar="list|remove|check", choices=tuple(ACTIONS))
    user.add_argument("user", metavar=USER, nargs="?", help="whom to remove, or whose password to check")
    _add_stdin(user)
    _add_file(user)


def _add_stdin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stdin", action="store_true", help="read the password from one line of standard input"
    )


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vm", metavar="NAME", help="the SAM file that the configuration gives this VM")
    parser.add_argument(
        "--file", type=Path, metavar="FILE", help="SAM file (default: that of the configuration)"
    )
    add_common(parser, has_config=True)


def run_passwd(options: argparse.Namespace) -> int:
    """`pyrdpmux passwd`."""
    path = _accounts_path(options)
    domain, user = split_name(options.user)
    password = _read_password(options.stdin, is_new=True)
    if options.file is None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_new = set_password(path, user, domain, password)
    print(f"{path}: {'added' if is_new else 'changed'} {options.user}")
    return EXIT_OK


def run_user(options: argparse.Namespace) -> int:
    """`pyrdpmux user`."""
    return ACTIONS[options.action](options)


def run_list(options: argparse.Namespace) -> int:
    """A name a line, as the other commands take it."""
    if options.user is not None:
        raise ConfigError(f"user list: {options.user}: all users are listed")
    for account in read_accounts(_accounts_path(options)).accounts:
        print(escaped(_name_of(account)))
    return EXIT_OK


def run_remove(options: argparse.Namespace) -> int:
    """Also from lines that an earlier one hides."""
    if options.user is None:
        raise ConfigError(f"user remove: {USER} is missing")
    path = _accounts_path(options)
    if not remove_account(path, *reversed(split_name(options.user))):
        raise _unknown(path, options.user)
    print(f"{path}: removed {options.user}; `pyrdpmux reload` sends away who is connected")
    return EXIT_OK


def run_check(options: argparse.Namespace) -> int:
    """The file, and a user's password if one is named."""
    path = _accounts_path(options)
    accounts = read_accounts(path)
    if options.user is None:
        print(f"{path}: {len(accounts.accounts)} users")
        return EXIT_OK
    account = _find(accounts, options.user)
    if account is None:
        raise _unknown(path, options.user)
    if nt_hash(_read_password(options.stdin, is_new=False)) != account.nt_hash:
        raise MuxError(f"{path}: not the password of {options.user}")
    print(f"{path}: the password of {options.user}")
    return EXIT_OK


ACTIONS: Final[dict[str, Command]] = {"list": run_list, "remove": run_remove, "check": run_check}


def _accounts_path(options: argparse.Namespace) -> Path:
    """The file that is meant; never another one than that of the VM that was named."""
    file: Path | None = options.file
    if options.vm is None:
        return file or make_config(options).accounts_path()
    if file is not None:
        raise ConfigError("--vm and --file: one of them is enough")
    config = make_config(options)
    own = config.vm(vm_name(options.vm)).accounts
    if own is None:
        raise ConfigError(
            f"--vm: the configuration gives {options.vm!r} no accounts of its own; without --vm: the common "
            f"ones, {config.accounts_path()}"
        )
    return own


def _find(accounts: Accounts, name: str) -> Account | None:
    domain, user = split_name(name)
    return next((account for account in accounts.accounts if account.is_for(user, domain)), None)


def _unknown(path: Path, name: str) -> MuxError:
    """Says what there is of that name with another domain."""
    _, user = split_name(name)
    others = [account for account in read_accounts(path).accounts if account.is_for(user, account.domain)]
    hint = f", but {' and '.join(map(_name_of, others))}" if others else ""
    return MuxError(f"{path}: there is no {name}{hint}")


def _name_of(account: Account) -> str:
    return f"{account.domain}\\{account.user}" if account.domain else account.user


def _read_password(from_stdin: bool, *, is_new: bool) -> str:
    if from_stdin:
        password = _first_line()
    else:
        password = _ask("Password: ")
        if is_new and _ask("Again: ") != password:
            raise MuxError("the two passwords differ, nothing was changed")
    if not password:
        raise MuxError("an empty password is not allowed, nothing was changed")
    return password


def _first_line() -> str:
    try:
        line = sys.stdin.readline().rstrip("\r\n")
        line.encode()
    except UnicodeError as error:
        raise MuxError("standard input: not UTF-8, nothing was changed") from error
    return line


def _ask(prompt: str) -> str:
    """At the terminal, and nowhere else: what it echoes is no secret."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(prompt)
    except (EOFError, getpass.GetPassWarning) as error:
        raise MuxError("no terminal to ask for the password at, use --stdin; nothing was changed") from error
