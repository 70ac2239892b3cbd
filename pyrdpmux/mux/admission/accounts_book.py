"""Which accounts count for which VM, and since when.

The configuration's word on a VM comes first, then what the VM brings along, then the common accounts.

INVARIANT: whenever the accounts of a VM become others, so does the :class:`~.ticket.AccountsInForce` that
stands for them, also if they come back later. Tickets of before are worth nothing then.
"""

import itertools
from collections import OrderedDict, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from pyrdpmux.mux.admission.account_file import AccountFile, AccountSource, ParsedFiles
from pyrdpmux.mux.admission.ticket import AccountsInForce
from pyrdpmux.mux.admission.vm_overrides import VmOverrides
from pyrdpmux.mux.opener.client import Opener
from pyrdpmux.mux.settings.access import Proved
from pyrdpmux.mux.settings.config import Config
from pyrdpmux.net.blocking import BlockingPool

GIVEN: Final = "given"
"""Where accounts come from that no file holds: a demo's, libvirt's."""

MAX_FILES: Final = 2048
"""Whose contents are remembered; a VM may name one after the other."""


MAX_GENERATIONS: Final = 64
"""Configurations that gave VMs other accounts; what has been the same for longer seems to begin later."""


class VmIdentity(Protocol):
    """A console, as far as admission cares."""

    @property
    def name(self) -> str: ...

    @property
    def serial(self) -> int:
        """No two consoles of a daemon ever have the same, also if they have the same name."""


@dataclass(frozen=True, slots=True)
class _Generation:
    """A configuration whose tables give VMs other accounts than the one before it."""

    config: Config
    epoch: int


class AccountsBook:
    """Knows every source of accounts by what is in force."""

    def __init__(
        self,
        config: Config,
        overrides: VmOverrides,
        files: BlockingPool,
        given: AccountSource | None = None,
        opener: Opener | None = None,
    ) -> None:
        """``given`` replaces all files: everybody logs on with these. ``opener`` opens files of VMs."""
        self._config = config
        self._overrides = overrides
        self._pool = files
        self._given = given
        self._opener = opener or Opener()
        self._parsed = ParsedFiles()
        self._epochs = itertools.count(1)
        self._common = self._begin(GIVEN if given is not None else str(config.accounts_path()))
        self._generations = deque([_Generation(config, next(self._epochs))], maxlen=MAX_GENERATIONS)
        #: the administrator's files, and those that another configuration would have
        self._own_files: dict[Path, AccountFile] = {}
        self._prepared: dict[Path, AccountFile] = {}
        #: the VMs' files
        self._files: OrderedDict[tuple[Path, int | None], AccountFile] = OrderedDict()

    def _begin(self, source: str) -> AccountsInForce:
        return AccountsInForce(source, next(self._epochs))

    def check_at_start(self) -> None:
        """Read all files, before there is a loop. Raises ConfigError that names file and line."""
        for path in self._paths(self._config):
            self._own_file(path).check_at_start()

    async def prepare(self, config: Config) -> None:
        """Read all files of another configuration, for :meth:`reload`. Raises ConfigError as well."""
        self._prepared = {}
        for path in self._paths(config):
            file = self._own_files.get(path) or AccountFile(path, self._pool)
            await file.check()
            self._prepared[path] = file

    async def refresh(self) -> None:
        """See what the administrator has changed since."""
        for file in tuple(self._own_files.values()):
            await file.refresh()

    def _paths(self, config: Config) -> set[Path]:
        """Of files that passwords are looked up in, whatever VMs bring along."""
        if self._given is not None or not config.security.nla:
            return set()
        return set(config.accounts_paths)

    def reload(self, config: Config) -> None:
        """Another configuration: what differs begins anew."""
        if self._given is None and config.accounts_path() != self._config.accounts_path():
            self._common = self._begin(str(config.accounts_path()))
        if _accounts_of(config) != _accounts_of(self._config):
            self._generations.append(_Generation(config, self._next()))
        self._config = config
        # What a file said before it was out of use is not what it said last.
        known = self._own_files | self._prepared
        self._own_files = {path: file for path, file in known.items() if path in self._paths(config)}
        self._prepared = {}

    def _next(self) -> int:
        return next(self._epochs)

    @property
    def common(self) -> AccountsInForce:
        """Of all VMs that have none of their own."""
        return self._common

    def in_force(self, vm: VmIdentity) -> AccountsInForce:
        """What somebody's ticket must be of to see this VM."""
        if self._given is not None:
            return self._common
        if (path := self._config.vm(vm.name).accounts) is not None:
            return AccountsInForce(str(path), self._since(vm.name, path), vm.serial)
        if (own := self._overrides.accounts(vm.name)) is not None:
            return AccountsInForce(str(own.path), own.epoch, vm.serial)
        return self._common

    def _since(self, name: str, path: Path) -> int:
        """Since which generation the configuration gives this VM that file, without a break."""
        epoch = 0
        for generation in reversed(self._generations):
            if generation.config.vm(name).accounts != path:
                break
            epoch = generation.epoch
        return epoch

    def source(self, name: str | None) -> AccountSource:
        """The accounts of the VM of this name; without a name, the common ones."""
        if self._given is not None:
            return self._given
        if name is not None:
            if (path := self._config.vm(name).accounts) is not None:
                return self._own_file(path)
            if (own := self._overrides.accounts(name)) is not None:
                return self._file(own.path, own.uid)
        return self._own_file(self._config.accounts_path())

    def may_have(self, vm: VmIdentity, principal: Proved) -> bool:
        """Whether the account is still there; True where that is not known, as of VMs' own files."""
        if self._given is not None:
            return True
        path = self._config.vm(vm.name).accounts
        if path is None and self._overrides.accounts(vm.name) is not None:
            return True
        file = self._own_files.get(path or self._config.accounts_path())
        return file is None or file.may_have(principal.user, principal.domain)

    def is_domain(self, name: str) -> bool:
        """Whether the common accounts have this domain, as far as that is known already."""
        return self._given is None and self._own_file(self._config.accounts_path()).has_domain(name)

    def set_own(self, name: str, path: Path | None, uid: int | None) -> bool:
        """The VM brings these along, or none any more; whether that is news."""
        return self._overrides.set_accounts(name, path, uid, self._next)

    def _own_file(self, path: Path) -> AccountFile:
        if path not in self._own_files:
            self._own_files[path] = AccountFile(path, self._pool)
        return self._own_files[path]

    def _file(self, path: Path, uid: int | None) -> AccountFile:
        key = (path, uid)
        if key not in self._files:
            self._files[key] = AccountFile(
                path, self._pool, guest_uid=uid, open_file=self._opener.accounts_of(uid), parsed=self._parsed
            )
        self._files.move_to_end(key)
        if len(self._files) > MAX_FILES:
            _, old = self._files.popitem(last=False)
            self._parsed.forget(old)
        return self._files[key]


def _accounts_of(config: Config) -> tuple[dict[str, Path], list[tuple[str, Path]]]:
    """What its tables say of accounts; of patterns, the order counts."""
    vms = {name: vm.accounts for name, vm in config.vms.items() if vm.accounts is not None}
    return vms, [(name, vm.accounts) for name, vm in config.patterns.items() if vm.accounts is not None]
