"""Licenses in a folder, so that a client shows tomorrow what it was issued today."""

import hashlib
from pathlib import Path
from typing import Final

from pyrdpmux.errors import DecodeError
from pyrdpmux.files.private_file import write_private
from pyrdpmux.harness.peers.errors import ClientError
from pyrdpmux.rdp.licensing.store import MemoryLicenseStore, index_of
from pyrdpmux.rdp.pdu.licensing.license import NewLicenseInfo
from pyrdpmux.wire import decode, encode

SUFFIX: Final = ".license"
MAX_LICENSE_SIZE: Final = 64 * 1024
"""An exchange's message holds no more; Windows licenses with their chains are 2 to 7 KB."""


class LicenseFolder(MemoryLicenseStore):
    """One file per license, with the NEW_LICENSE_INFO (MS-RDPELE 2.2.2.6.1) that it came in; mode 0600."""

    def __init__(self, folder: Path) -> None:
        """Read what is there; the folder is made if it is missing. Raises ClientError naming a bad file."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        super().__init__([_read(path) for path in sorted(folder.glob(f"*{SUFFIX}"))])

    def save(self, issued: NewLicenseInfo) -> None:
        """Raises ConfigError if it cannot be written."""
        super().save(issued)
        name = hashlib.sha256(repr(index_of(issued)).encode()).hexdigest()[:32]
        write_private(self._folder / f"{name}{SUFFIX}", encode(issued))


def _read(path: Path) -> NewLicenseInfo:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LICENSE_SIZE + 1)
        if len(data) > MAX_LICENSE_SIZE:
            raise ClientError(f"{path}: more than {MAX_LICENSE_SIZE} bytes")
        return decode(NewLicenseInfo, data)
    except OSError as error:
        raise ClientError(f"{path}: cannot read: {error.strerror}") from error
    except DecodeError as error:
        raise ClientError(f"{path}: no license: {error}") from None
