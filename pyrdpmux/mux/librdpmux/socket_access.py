"""Letting one other user connect to a socket of ours, without a capability.

An access list (acl(5)) beside its mode says who that is. The socket stays ours: its user can neither let
others in nor hand it on, and we can connect ourselves. Only where the file system keeps no access lists is it
given away, which takes CAP_CHOWN.
"""

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyrdpmux.errors import BackendError
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Writer

ATTRIBUTE: Final = "system.posix_acl_access"
"""The extended attribute that the kernel keeps an access list as."""

VERSION: Final = 2
NO_ID: Final = 0xFFFFFFFF
"""Of entries that are not for a certain user or group."""

PRIVATE: Final = 0o600
"""To connect takes the right to write; reading does no harm, and is what people expect to see."""

ROOT: Final = 0
"""Connects to everything anyway, unless it has lost its capabilities, as root's QEMUs do under libvirt."""


class Tag(OpenIntEnum):
    """Whom an entry is for."""

    USER_OBJ = 0x01
    USER = 0x02
    GROUP_OBJ = 0x04
    GROUP = 0x08
    MASK = 0x10
    OTHER = 0x20


class Permissions(OpenIntFlag):
    NONE = 0
    EXECUTE = 1
    WRITE = 2
    READ = 4


BOTH: Final = Permissions.READ | Permissions.WRITE


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an access list."""

    tag: Tag
    permissions: Permissions
    id: int = NO_ID

    def write(self, w: Writer) -> None:
        w.u16_le("e_tag", self.tag)
        w.u16_le("e_perm", self.permissions)
        w.u32_le("e_id", self.id)


def access_list(uid: int) -> bytes:
    """For the owner and this user, and nobody else, in the kernel's order and layout (posix_acl_xattr.h)."""
    entries = (
        Entry(Tag.USER_OBJ, BOTH),
        Entry(Tag.USER, BOTH, uid),
        Entry(Tag.GROUP_OBJ, Permissions.NONE),
        Entry(Tag.MASK, BOTH),
        Entry(Tag.OTHER, Permissions.NONE),
    )
    w = Writer("posix_acl_xattr_header")
    w.u32_le("a_version", VERSION)
    for entry in entries:
        entry.write(w)
    return w.getvalue()


def give_to(path: Path, owner: int | None) -> None:
    """Let only this user, beside us, connect to the socket at ``path`` (None: nobody else). BackendError."""
    try:
        path.chmod(PRIVATE)
        if owner is not None and owner != os.geteuid():
            _admit(path, owner)
    except OSError as error:
        raise BackendError(f"{path}: {error.strerror or error}") from error


def _admit(path: Path, uid: int) -> None:
    try:
        os.setxattr(path, ATTRIBUTE, access_list(uid), follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        if uid != ROOT:
            _give_away(path, uid)


def _give_away(path: Path, uid: int) -> None:
    try:
        os.chown(path, uid, -1, follow_symlinks=False)
    except PermissionError as error:
        raise BackendError(
            f"{path}: cannot be shared with uid {uid}: its file system keeps no access lists, "
            "and giving it away is not permitted"
        ) from error
