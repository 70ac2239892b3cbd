"""Opening a guest's file with more rights than the guest has: what is checked, and in which order.

The rule for both kinds: nothing on the way is a symbolic link, whoever made it; what is opened is a regular
file of the right owner, asked of the descriptor and not of the path; and it is opened for reading only. A
directory on the way may be anybody's: without links, who owns one can offer nothing there but files, and
their owner is asked.

SAM files are checked for what they contain, too: a daemon that has been taken over may ask for any user's
files, and must not get a key or a shadow password.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SHARED_MEMORY: Final = "/dev/shm"
"""Where Linux keeps the objects of ``shm_open``."""

MAX_ACCOUNTS: Final = 1 << 20
"""A SAM file's size: some ten thousand accounts."""

READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
STEP: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_SAM_LINE: Final = re.compile(rb"(#.*|[^:]+:[^:]*:([0-9A-Fa-f]{32})?:[0-9A-Fa-f]{32}(:[^:]*){0,3})?")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Refused(OSError):
    """The file is not one that the opener may open for this user."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EACCES, reason)


def open_framebuffer(vm_id: int, uid: int) -> int:
    """The object of this VM, which belongs to this user. OSError."""
    with _walked(SHARED_MEMORY) as directory:
        return _open_regular(directory, _object_name(vm_id), (uid,))


def remove_framebuffer(vm_id: int, uid: int) -> None:
    """Remove what a dead VM of this user has left. OSError.

    Between the check and the removal the name can become another user's object only if this very user
    removes its own in that moment; then a name is lost, and never what a living VM has open.
    """
    name = _object_name(vm_id)
    with _walked(SHARED_MEMORY) as directory:
        _check(os.stat(name, dir_fd=directory, follow_symlinks=False), (uid,))
        os.unlink(name, dir_fd=directory)


def open_accounts(path: str, uid: int) -> int:
    """A SAM file of this user's. OSError."""
    parent, _, name = path.rpartition("/")
    with _walked(parent) as directory:
        descriptor = _open_regular(directory, name, (uid,))
    try:
        _check_accounts(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _object_name(vm_id: int) -> str:
    return f"{vm_id}.rdpmux"


@contextmanager
def _walked(path: str) -> Iterator[int]:
    """The directory at an absolute path, reached in single steps of which none is a link."""
    current = os.open("/", STEP)
    try:
        for component in path.split("/")[1:]:
            following = os.open(component, STEP, dir_fd=current)
            os.close(current)
            current = following
        yield current
    finally:
        os.close(current)


def _open_regular(directory: int, name: str, owners: tuple[int, ...]) -> int:
    """Looked at before it is opened as well: opening alone can have an effect on a device or a pipe."""
    _check(os.stat(name, dir_fd=directory, follow_symlinks=False), owners)
    descriptor = os.open(name, READ, dir_fd=directory)
    try:
        _check(os.fstat(descriptor), owners)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check(status: os.stat_result, owners: tuple[int, ...]) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Refused("not a regular file")
    if status.st_uid not in owners:
        expected = " or ".join([f"uid {owner}" for owner in owners])
        raise Refused(f"belongs to uid {status.st_uid}, expected {expected}")


def _check_accounts(descriptor: int) -> None:
    """Every line is an account, a comment or empty. Read without moving where the receiver begins."""
    size = os.fstat(descriptor).st_size
    if size > MAX_ACCOUNTS:
        raise Refused(f"{size} bytes, at most {MAX_ACCOUNTS} allowed")
    content = os.pread(descriptor, MAX_ACCOUNTS, 0).removeprefix(_BYTE_ORDER_MARK)
    for number, line in enumerate(content.splitlines(), start=1):
        if _SAM_LINE.fullmatch(line.strip()) is None:
            raise Refused(f"line {number} is not an account's")
