"""What a VM says of itself when it registers, and what the bus says of its process."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.protocol import PROTOCOLS, Protocol
from pyrdpmux.mux.settings.vm_names import NAME_RULE, UUID, is_vm_name

NO_UUID: Final = "00000000-0000-0000-0000-000000000000"
"""What QEMU sends for a VM without one: not an identity."""

FIRST_UNPRIVILEGED_PORT: Final = 1024

MAX_PATH: Final = 4096
"""Bytes of a SAM file's path, as in PATH_MAX; each is kept, and written down for the next daemon."""


class RegistrationRefused(BackendError):
    """A VM may not register like this; the text tells its hypervisor why."""


class AccountsMissing(RegistrationRefused):
    """Its SAM file is not there, or not its own."""


def check_path(path: Path) -> None:
    """RegistrationRefused for what cannot be the path of a SAM file, whatever is there."""
    try:
        size = len(os.fsencode(path))
    except UnicodeEncodeError:
        raise RegistrationRefused(f"{str(path)!r:.80}: the path of a SAM file is UTF-8") from None
    if "\0" in str(path) or size > MAX_PATH:
        raise RegistrationRefused(f"{str(path)!r:.80}: not a path of at most {MAX_PATH} bytes")
    if not path.is_absolute():
        raise RegistrationRefused(f"{path}: the path of a SAM file starts with /")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Checked when it is made; RegistrationRefused."""

    vm_id: int
    version: int = 1
    #: as the VM spells it; none in protocol 1
    uuid: str = ""
    #: where its console should listen, 0 for anywhere
    port: int = 0
    #: its SAM file; None for the common accounts
    accounts: Path | None = None
    #: whose death is the VM's: a name on the bus
    owner: str | None = None
    #: the user it runs as, if that is known
    uid: int | None = None
    #: how the kernel's security module confines it, if it does, and the bus tells
    security_label: str | None = None
    #: its process, the same
    pid: int | None = None
    #: None: it is called by its identity
    name: str | None = None

    def __post_init__(self) -> None:
        if self.vm_id < 0:
            raise RegistrationRefused(f"VM id {self.vm_id}, expected 0 or more")
        if self.version > 1 and not UUID.fullmatch(self.uuid):
            raise RegistrationRefused(f"{self.uuid[:40]!r} is not a UUID of 36 characters")
        if 0 < self.port < FIRST_UNPRIVILEGED_PORT and self.uid not in (None, 0):
            raise RegistrationRefused(f"port {self.port}, only root's VMs may have one below 1024")
        if self.accounts is not None:
            check_path(self.accounts)
        if self.name is not None and not is_vm_name(self.name):
            raise RegistrationRefused(f"{self.name[:80]!r}: {NAME_RULE}")
        if self.name is not None and self.name.isdecimal():  # by which VMs are found, too
            raise RegistrationRefused(f"{self.name!r}: a number is a port, no VM's name")

    @property
    def protocol(self) -> Protocol:
        return PROTOCOLS[self.version]

    @property
    def identity(self) -> str | None:
        """The UUID that tells one VM from all others, if it has one."""
        uuid = self.uuid.lower()
        return uuid if uuid not in ("", NO_UUID) else None

    @property
    def key(self) -> str:
        """Names it among the daemon's VMs, also in paths."""
        return self.identity or f"vm-{self.vm_id}"

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or self.key

    @property
    def names(self) -> tuple[str, ...]:
        """All that leads to its console, in one case."""
        known = (self.label.casefold(), self.identity)
        return tuple(dict.fromkeys([name for name in known if name is not None]))
