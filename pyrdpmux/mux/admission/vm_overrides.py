"""What VMs bring along at their registration or later: accounts, and whether viewers must be known."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class OwnAccounts:
    """A VM's SAM file."""

    path: Path
    #: whose file it must be; None: anybody's
    uid: int | None
    #: another one whenever it has been something else in between
    epoch: int


class VmOverrides:
    """What VMs have said of themselves, by name. Where a VM has said nothing, the configuration counts."""

    def __init__(self) -> None:
        self._accounts: dict[str, OwnAccounts] = {}
        self._proof: dict[str, bool] = {}

    def accounts(self, name: str | None) -> OwnAccounts | None:
        return self._accounts.get(name) if name is not None else None

    def proof(self, name: str | None) -> bool | None:
        """Whether viewers must prove who they are; who brings accounts along wants them to be used."""
        if name is None:
            return None
        return self._proof.get(name, True if name in self._accounts else None)

    def set_accounts(self, name: str, path: Path | None, uid: int | None, epoch: Callable[[], int]) -> bool:
        """Set the VM's SAM file, or remove it with None. Returns whether that changed anything."""
        old = self._accounts.get(name)
        if path is None:
            self._accounts.pop(name, None)
            return old is not None
        if old is not None and (old.path, old.uid) == (path, uid):
            return False
        self._accounts[name] = OwnAccounts(path, uid, epoch())
        return True

    def set_proof(self, name: str, is_required: bool | None) -> None:
        """Whether viewers must prove who they are; None: as the configuration says."""
        if is_required is not None:
            self._proof[name] = is_required
        else:
            self._proof.pop(name, None)
