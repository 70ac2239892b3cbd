"""The daemon's end: files that it may not open itself, from ``pyrdpmux-opener``.

Everything here blocks, for :data:`SECONDS` at most: call it on a thread where that matters. What comes back
is checked once more, as if the opener could not be trusted either.
"""

import array
import contextlib
import errno
import fcntl
import os
import re
import socket
import stat
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from pyrdpmux.files.protected_file import OpenFile
from pyrdpmux.mux.opener.opening import SHARED_MEMORY
from pyrdpmux.mux.opener.protocol import (
    MAX_ANSWER,
    SOCKET,
    AccountsRequest,
    FramebufferRequest,
    Kind,
    MalformedMessage,
    Request,
    decode_answer,
)

SECONDS: Final = 3.0
"""For one request, a little longer than the opener waits for a file."""

VARIABLE: Final = "PYRDPMUX_OPENER_SOCKET"
"""Of the environment."""

MAX_DESCRIPTORS: Final = 4
"""Room for more than the one that is expected, so that they can be closed."""

RETRY_SECONDS: Final = 0.005

_OBJECT: Final = re.compile(r"(0|[1-9][0-9]{0,9})\.rdpmux", re.ASCII)


class Opener:
    """Asks the opener at a socket. Every failure is an OSError, also that there is none."""

    def __init__(self, path: str | Path | None = None, seconds: float = SECONDS) -> None:
        """Without ``path`` the socket that :data:`VARIABLE` names, else the unit's."""
        self._path = os.fspath(path or os.environ.get(VARIABLE) or SOCKET)
        self._seconds = seconds

    def with_patience(self, seconds: float) -> "Opener":
        """The same opener with another time limit, in seconds."""
        return Opener(self._path, seconds)

    @property
    def is_there(self) -> bool:
        return os.path.exists(self._path)

    def open_framebuffer(self, vm_id: int, uid: int) -> int:
        """A descriptor, for reading, of the object that this user's VM shares."""
        return self._open(FramebufferRequest(Kind.FRAMEBUFFER, vm_id, uid), (uid,))

    def open_accounts(self, path: Path, uid: int) -> int:
        """A descriptor, for reading, of a SAM file of this user's."""
        return self._open(AccountsRequest(uid, os.fspath(path)), (uid,))

    def remove_framebuffer(self, vm_id: int, uid: int) -> None:
        """Remove what a dead VM of this user has left."""
        _close(self._ask(FramebufferRequest(Kind.REMOVE, vm_id, uid)))

    # -- where it stands in for os.open and Path.unlink ----------------------------------------------

    def framebuffers_of(self, uid: int | None) -> OpenFile:
        """Opens this user's framebuffers: directly where that is permitted, otherwise through the opener."""

        def open_file(path: Path, flags: int) -> int:
            try:
                return os.open(path, flags)
            except PermissionError:
                vm_id = _vm_id_of(path)
                if uid is None or vm_id is None or not self.is_there:
                    raise
            return self.open_framebuffer(vm_id, uid)

        return open_file

    def accounts_of(self, uid: int | None) -> OpenFile:
        """The same for the SAM files that this user's VMs name."""

        def open_file(path: Path, flags: int) -> int:
            try:
                return os.open(path, flags)
            except PermissionError:
                if uid is None or not self.is_there:
                    raise
            return self.open_accounts(path, uid)

        return open_file

    def unlink_framebuffer(self, path: Path, uid: int | None) -> None:
        """Remove a dead VM's object: directly where that is permitted, otherwise through the opener."""
        try:
            path.unlink()
        except PermissionError:
            vm_id = _vm_id_of(path)
            if uid is None or vm_id is None or not self.is_there:
                raise
            self.remove_framebuffer(vm_id, uid)

    # -- inside ----------------------------------------------------------------------------------

    def _open(self, request: Request, owners: Collection[int]) -> int:
        descriptors = self._ask(request)
        with _closed_on_error(descriptors):
            if len(descriptors) != 1:
                raise OSError(errno.EPROTO, f"the opener sent {len(descriptors)} descriptors, not 1")
            _check(descriptors[0], owners)
        return descriptors[0]

    def _ask(self, request: Request) -> list[int]:
        """The descriptors that came with the answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.settimeout(self._seconds)
            self._connect(connection)
            connection.send(request.encode())
            answer, descriptors = _receive(connection)
        with _closed_on_error(descriptors):
            try:
                decode_answer(answer)
            except MalformedMessage as error:
                raise OSError(errno.EPROTO, f"the opener's answer: {error}") from error
        return descriptors

    def _connect(self, connection: socket.socket) -> None:
        """Where others wait already, a socket with a time limit is sent away instead of made to wait."""
        until = time.monotonic() + self._seconds
        while True:
            try:
                connection.connect(self._path)
                return
            except BlockingIOError:
                if time.monotonic() > until:
                    raise
            time.sleep(RETRY_SECONDS)


def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    """One message, and descriptors that no child of ours inherits (``socket.recv_fds`` ignores flags)."""
    found = array.array("i")
    room = socket.CMSG_LEN(MAX_DESCRIPTORS * found.itemsize)
    answer, ancillary, _, _ = connection.recvmsg(MAX_ANSWER, room, socket.MSG_CMSG_CLOEXEC)
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    if not answer:
        _close(list(found))
        raise OSError(errno.ECONNRESET, "the opener has not answered")
    return answer, list(found)


def _check(descriptor: int, owners: Collection[int]) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EACCES, "the opener sent something that is not a regular file")
    if status.st_uid not in owners:
        raise OSError(errno.EACCES, f"the opener sent a file of uid {status.st_uid}")
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
        raise OSError(errno.EACCES, "the opener sent a descriptor that can write")


@contextlib.contextmanager
def _closed_on_error(descriptors: list[int]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _close(descriptors)
        raise


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _vm_id_of(path: Path) -> int | None:
    """None for what is not where ``shm_open`` puts a VM's object."""
    found = _OBJECT.fullmatch(path.name)
    return int(found[1]) if found is not None and path.parent == Path(SHARED_MEMORY) else None
