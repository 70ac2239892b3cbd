"""The opener's process: one request a connection, from the daemon's user and nobody else.

A single thread that never blocks: framebuffers are in memory and opened at once. A SAM file may be on a file
system that does not answer, and nothing but the end of a process ends such a call: each one is opened by a
child of its own, which answers by itself and is killed when its time is over.
"""

import argparse
import contextlib
import errno
import os
import pwd
import selectors
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pyrdpmux.mux.opener.limits import Notes, RateLimit
from pyrdpmux.mux.opener.opening import open_accounts, open_framebuffer, remove_framebuffer
from pyrdpmux.mux.opener.protocol import (
    MAX_REQUEST,
    OK,
    AccountsRequest,
    FramebufferRequest,
    Kind,
    MalformedMessage,
    decode_request,
    encode_error,
)

EXIT_OK: Final = 0
EXIT_USAGE: Final = 2
REFUSED: Final = 3
"""How a child ends that has had to say no."""

FIRST_DESCRIPTOR: Final = 3
"""What systemd passes on begins here (sd_listen_fds(3))."""

CREDENTIALS_SIZE: Final = 12
"""Of ``struct ucred``: pid, uid and gid."""

MAX_CONNECTIONS: Final = 64
"""Then the oldest has to go."""

CONNECTION_SECONDS: Final = 2.0
"""For the whole of one."""

MAX_CHILDREN: Final = 16
MAX_CHILDREN_PER_USER: Final = 4
"""Files that do not answer cost the VMs of their user these, and nobody else anything; others of it wait."""

CHILD_SECONDS: Final = 2.0

IDLE_SECONDS: Final = 300.0
"""After which it ends; systemd starts it again for the next request."""


class Server:
    """Answers at a listening socket until nobody has asked for a while."""

    def __init__(self, listening: socket.socket, uid: int, idle_seconds: float = IDLE_SECONDS) -> None:
        self._listening = listening
        self._uid = uid
        self._idle_seconds = idle_seconds
        self._idle_at = time.monotonic() + idle_seconds
        self._selector = selectors.DefaultSelector()
        #: and when their time is over; the oldest first
        self._connections: dict[socket.socket, float] = {}
        #: those of them that wait for a child, in their order
        self._waiting: dict[socket.socket, AccountsRequest] = {}
        #: by their descriptors
        self._children: dict[int, _Child] = {}
        self._rate = RateLimit()
        self._notes = Notes()

    def run(self) -> None:
        self._listening.setblocking(False)
        self._selector.register(self._listening, selectors.EVENT_READ)
        while self._connections or self._children or time.monotonic() < self._idle_at:
            for key, _ in self._selector.select(self._patience()):
                if key.fileobj is self._listening:
                    self._accept()
                elif isinstance(key.fileobj, int):
                    self._child_ended(key.fileobj)
                elif key.fileobj in self._connections:  # and not dropped a moment ago
                    self._serve(key.fileobj)
            self._end_what_takes_too_long()

    def _patience(self) -> float | None:
        """Until something has to end. None: what was killed has still to let go, and nothing else goes on."""
        deadlines = [*self._connections.values()]
        deadlines += [child.deadline for child in self._children.values() if not child.is_killed]
        if not self._connections and not self._children:
            deadlines.append(self._idle_at)
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _accept(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except OSError:
            return  # gone again, or no descriptor left: others are about to end
        peer = _uid_of(connection)
        if peer != self._uid:
            self._notes.add(f"uid {peer} has connected, only uid {self._uid} may")
            connection.close()
            return
        connection.setblocking(False)
        if len(self._connections) >= MAX_CONNECTIONS:
            self._drop(next(iter(self._connections)))
        now = time.monotonic()
        self._idle_at = now + self._idle_seconds
        self._connections[connection] = now + CONNECTION_SECONDS
        self._selector.register(connection, selectors.EVENT_READ)

    def _serve(self, connection: socket.socket) -> None:
        """Read its only request. There is no room for descriptors sent along: the kernel closes them."""
        try:
            message = connection.recv(MAX_REQUEST + 1)
        except OSError:
            message = b""
        if not message or self._answer(connection, message):
            self._drop(connection)

    def _answer(self, connection: socket.socket, message: bytes) -> bool:
        """False if a child will do so."""
        if not self._rate.take(time.monotonic()):
            self._refuse(connection, errno.EAGAIN, "too many requests")
            return True
        try:
            request = decode_request(message)
        except MalformedMessage as error:
            self._refuse(connection, errno.EINVAL, str(error))
            return True
        if isinstance(request, AccountsRequest):
            self._waiting[connection] = request
            self._selector.unregister(connection)
            self._start_children()
            return False
        try:
            _framebuffer(connection, request)
        except OSError as error:
            self._refuse(connection, error.errno or errno.EIO, error.strerror or "failed")
        return True

    def _start_children(self) -> None:
        """One for each request that waits, as far as that is allowed."""
        for connection, request in list(self._waiting.items()):
            theirs = [child for child in self._children.values() if child.uid == request.uid]
            if len(self._children) < MAX_CHILDREN and len(theirs) < MAX_CHILDREN_PER_USER:
                self._open_in_child(connection, request)
                self._drop(connection)

    def _open_in_child(self, connection: socket.socket, request: AccountsRequest) -> None:
        may_note = self._notes.has_room(time.monotonic())
        try:
            pid = os.fork()
        except OSError as error:
            self._refuse(connection, error.errno or errno.EAGAIN, "no process for it")
            return
        if pid == 0:
            self._be_child(connection, request, may_note)
        child = _Child(pid, request.uid, time.monotonic() + CHILD_SECONDS)
        descriptor = os.pidfd_open(pid)
        self._children[descriptor] = child
        self._selector.register(descriptor, selectors.EVENT_READ)

    def _be_child(self, connection: socket.socket, request: AccountsRequest, may_note: bool) -> None:
        """Never returns."""
        is_refused = True
        try:
            self._listening.close()
            for other in self._connections:
                if other is not connection:
                    other.close()
            is_refused = not _accounts(connection, request, self._notes if may_note else None)
        finally:
            os._exit(REFUSED if is_refused else EXIT_OK)

    def _child_ended(self, descriptor: int) -> None:
        child = self._children.pop(descriptor)
        self._selector.unregister(descriptor)
        os.close(descriptor)
        _, status = os.waitpid(child.pid, 0)
        if os.waitstatus_to_exitcode(status) == REFUSED:
            self._notes.may_add(time.monotonic())  # its line
        self._start_children()

    def _end_what_takes_too_long(self) -> None:
        now = time.monotonic()
        for connection in [found for found, deadline in self._connections.items() if deadline <= now]:
            if connection in self._waiting:
                uid = self._waiting[connection].uid
                self._refuse(connection, errno.EAGAIN, f"other files of uid {uid} do not answer")
            self._drop(connection)
        for descriptor, child in self._children.items():
            if not child.is_killed and child.deadline <= now:
                child.is_killed = True
                self._notes.add(f"a SAM file of uid {child.uid} does not answer")
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)

    def _refuse(self, connection: socket.socket, number: int, reason: str) -> None:
        self._notes.add(f"refused: {reason}")
        _send(connection, encode_error(number, reason))

    def _drop(self, connection: socket.socket) -> None:
        del self._connections[connection]
        if self._waiting.pop(connection, None) is None:
            self._selector.unregister(connection)
        connection.close()


@dataclass(slots=True)
class _Child:
    """Opens one SAM file."""

    pid: int
    uid: int
    deadline: float
    #: which ends it as soon as the kernel lets go of it
    is_killed: bool = False


def _framebuffer(connection: socket.socket, request: FramebufferRequest) -> None:
    if request.kind is Kind.REMOVE:
        remove_framebuffer(request.vm_id, request.uid)
        _send(connection, OK)
    else:
        _pass_on(connection, open_framebuffer(request.vm_id, request.uid))


def _accounts(connection: socket.socket, request: AccountsRequest, notes: Notes | None) -> bool:
    """A refusal has one wording: a guest must not learn from it what there is in others' directories."""
    try:
        descriptor = open_accounts(request.path, request.uid)
    except OSError as error:
        if notes is not None:
            notes.write(f"refused: {request.path!a} for uid {request.uid}: {error.strerror}")
        answer = encode_error(errno.EACCES, f"no SAM file that may be opened for uid {request.uid}")
        _send(connection, answer)
        return False
    _pass_on(connection, descriptor)
    return True


def _pass_on(connection: socket.socket, descriptor: int) -> None:
    try:
        with contextlib.suppress(OSError):
            socket.send_fds(connection, [OK], [descriptor])
    finally:
        os.close(descriptor)


def _send(connection: socket.socket, answer: bytes) -> None:
    """Send the answer; a peer that is gone is no error. A first message always fits the socket's buffer."""
    with contextlib.suppress(OSError):
        connection.send(answer)


def _uid_of(connection: socket.socket) -> int:
    """Who the kernel says has connected; in this machine's own layout, which no wire has seen."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS_SIZE)
    _, uid, _ = memoryview(credentials).cast("I")
    return int(uid)


# -- the command -------------------------------------------------------------------------------------


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pyrdpmux-opener",
        description="Opens guests' framebuffers and SAM files for the daemon; started by systemd.",
    )
    parser.add_argument(
        "--user", required=True, type=_user, metavar="USER", help="who may ask, the user of the daemon"
    )
    return parser


def _user(name: str) -> int:
    if name.isascii() and name.isdigit():
        return int(name)
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise argparse.ArgumentTypeError(f"there is no user {name!r}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script ``pyrdpmux-opener``."""
    options = make_parser().parse_args(arguments)
    listening = _given_socket()
    if listening is None:
        sys.stderr.write("pyrdpmux-opener: no socket to listen at: start pyrdpmux-opener.socket\n")
        return EXIT_USAGE
    with listening:
        Server(listening, options.user).run()
    return EXIT_OK


def _given_socket() -> socket.socket | None:
    """What systemd listens at for us, if it does and if it is of the right kind."""
    is_ours = os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1"
    if not is_ours:
        return None
    found = socket.socket(fileno=FIRST_DESCRIPTOR)
    is_right = found.family == socket.AF_UNIX and found.type == socket.SOCK_SEQPACKET
    if is_right and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        found.set_inheritable(False)
        return found
    found.close()
    return None
