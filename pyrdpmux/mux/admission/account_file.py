"""The SAM file of a running daemon: looked at whenever somebody logs on, so that `passwd` works at once."""

import asyncio
import logging
import os
from collections import OrderedDict
from pathlib import Path
from typing import Final, Protocol

from pyrdpmux.errors import ConfigError, LimitExceeded
from pyrdpmux.files.private_file import read_private
from pyrdpmux.files.protected_file import OpenFile, read_protected
from pyrdpmux.net.blocking import BlockingPool, BlockingTimeout
from pyrdpmux.rdp.nla.accounts import Account, Accounts

logger = logging.getLogger("pyrdpmux.mux")


PARSED_SIZE: Final = 4 << 20
"""Bytes of all files together that are remembered; taken apart they are six times as large."""


class AccountTable(Protocol):
    """Accounts by name, at one moment."""

    def find(self, user: str, domain: str) -> Account | None:
        """The account that this user would log on to."""


class AccountSource(Protocol):
    """Where accounts come from."""

    async def read(self) -> AccountTable:
        """What is true now. Never raises: accounts that cannot be read let nobody in, and are logged."""


class GivenAccounts:
    """A table that is in memory already."""

    def __init__(self, table: AccountTable) -> None:
        self._table = table

    async def read(self) -> AccountTable:
        return self._table


class ParsedFiles:
    """What the files of VMs contain, as long as there is room: a look at one that is as before costs less."""

    def __init__(self, size: int = PARSED_SIZE) -> None:
        self._room = size
        self._files: OrderedDict[object, tuple[bytes, Accounts]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._files)

    def get(self, key: object) -> tuple[bytes, Accounts] | None:
        return self._files.get(key)

    def put(self, key: object, data: bytes, accounts: Accounts) -> None:
        """What nobody has looked at for longest goes first."""
        self.forget(key)
        self._files[key] = data, accounts
        self._room -= len(data)
        while self._room < 0:
            self.forget(next(iter(self._files)))

    def forget(self, key: object) -> None:
        if (known := self._files.pop(key, None)) is not None:
            self._room += len(known[0])


class BrokenAccounts(ConfigError):
    """A file that can be read and does not say who may log on."""


class AccountFile:
    """Accounts by path: what the file says now. While it cannot be read nobody is let in.

    Where it can be read and has a bad line, an administrator's file counts as it was before: whoever edits it
    must not lock everybody out. A VM's file lets nobody in then: nobody looks at it in between
    (:meth:`refresh`), so that what it said before may be long out of date. The log says why, once.
    """

    def __init__(
        self,
        path: Path,
        files: BlockingPool,
        *,
        guest_uid: int | None = None,
        open_file: OpenFile = os.open,
        parsed: ParsedFiles | None = None,
    ) -> None:
        """``guest_uid``: a VM's file: it must be that user's. None: the administrator's.

        ``open_file`` opens a VM's file; ``parsed`` is shared with other VMs' files.
        """
        self.path = path
        self._files = files
        self._guest_uid = guest_uid
        self._open_file = open_file
        self._parsed = parsed if parsed is not None else ParsedFiles()
        #: of an administrator's file: what it said when it was last in order
        self._last_good: tuple[bytes, Accounts] | None = None
        self._complaint = ""
        self._reading = asyncio.Lock()
        #: the next read, which has not begun
        self._next: asyncio.Task[Accounts] | None = None

    @property
    def last_good(self) -> bytes | None:
        """What counts while there is a bad line in the file, if anything."""
        return self._last_good[0] if self._last_good is not None else None

    def may_have(self, user: str, domain: str) -> bool:
        """Whether this very account is there, as far as the file has been read."""
        if self._last_good is None:
            return True
        account = self._last_good[1].find(user, domain)
        return account is not None and account.is_for(user, domain)

    def has_domain(self, name: str) -> bool:
        """Of an administrator's file: whether it had accounts of this domain when it was last looked at."""
        return self._last_good is not None and self._last_good[1].has_domain(name)

    async def read(self) -> Accounts:
        """What counts now; the file is opened and checked every time, on a thread of its own.

        All who ask while it is being read share the read after that.
        """
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._read_in_turn(), name="accounts")
        return await asyncio.shield(self._next)

    async def refresh(self) -> None:
        """Look at a file that was in order before: what it said last must not be older than need be.

        Otherwise a bad line could bring back who was removed in a version that nobody has logged on with.
        """
        if self._last_good is not None:
            await self.read()

    def check_at_start(self) -> None:
        """Before there is a loop. Raises ConfigError, but not for a file that is not there yet."""
        if (loaded := self._load_if_there(None)) is not None:
            self._remember(*loaded)

    async def check(self) -> None:
        """The same on a thread, for another configuration."""
        async with self._reading:
            known = self._known
            try:
                loaded = await self._files.run(self._owner, lambda: self._load_if_there(known))
            except (BlockingTimeout, LimitExceeded) as error:
                raise ConfigError(str(error)) from error
            if loaded is not None:
                self._remember(*loaded)
            else:
                self._last_good = None

    def _load_if_there(self, known: tuple[bytes, Accounts] | None) -> tuple[bytes, Accounts] | None:
        try:
            return self._load(known)
        except ConfigError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise

    async def _read_in_turn(self) -> Accounts:
        async with self._reading:
            self._next = None
            return await self._read_now()

    async def _read_now(self) -> Accounts:
        known = self._known
        try:
            loaded = await self._files.run(self._owner, lambda: self._load(known))
        except BrokenAccounts as error:
            if self._last_good is not None:
                self._complain(f"{error}; what the file said before stays in force")
                return self._last_good[1]
            self._complain(str(error))
            return Accounts()
        except (ConfigError, OSError) as error:
            self._last_good = None  # who takes the file away takes everybody's access away
            self._complain(str(error))
            return Accounts()
        except (BlockingTimeout, LimitExceeded) as error:
            self._complain(str(error))
            return Accounts()
        self._remember(*loaded)
        return loaded[1]

    @property
    def _owner(self) -> str:
        """Whose fault it is if the file hangs."""
        return (
            f"accounts of uid {self._guest_uid}" if self._guest_uid is not None else f"accounts {self.path}"
        )

    @property
    def _known(self) -> tuple[bytes, Accounts] | None:
        return self._last_good if self._guest_uid is None else self._parsed.get(self)

    def _remember(self, data: bytes, accounts: Accounts) -> None:
        if self._guest_uid is None:
            self._last_good = data, accounts
        else:
            self._parsed.put(self, data, accounts)
        if self._complaint:
            logger.info("%s: can be used again", self.path)
        self._complaint = ""

    def _load(self, known: tuple[bytes, Accounts] | None) -> tuple[bytes, Accounts]:
        """On a thread."""
        uid = self._guest_uid
        if uid is None:
            data = read_private(self.path)
        else:
            data = read_protected(self.path, frozenset({uid}), open_file=self._open_file)
        if known is not None and known[0] == data:
            return known
        try:
            return data, Accounts.parse(data, self.path)
        except ConfigError as error:
            raise BrokenAccounts(str(error)) from error

    def _complain(self, complaint: str) -> None:
        if complaint != self._complaint:
            logger.error("Accounts cannot be used: %s", complaint)
        self._complaint = complaint
