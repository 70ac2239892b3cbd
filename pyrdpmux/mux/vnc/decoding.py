"""The thread of a connection to a VNC server: it reads, decodes and paints, and asks for more.

It reads no more before all of what it has is decoded, and then rests as its :class:`~.turns.ThreadTurns` say,
so that a server which sends without end has to wait itself.
"""

import logging
import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Final

from pyrdpmux.errors import BackendError, PeerClosed, PeerError
from pyrdpmux.mux.vnc.desk import Desk, Gone
from pyrdpmux.mux.vnc.outlet import Outlet
from pyrdpmux.mux.vnc.session import VncSession
from pyrdpmux.mux.vnc.turns import ThreadTurns
from pyrdpmux.rfb.client import WORKED, RfbClient
from pyrdpmux.rfb.events import Failed, UpdateStarted

log = logging.getLogger("pyrdpmux.vnc")

READ_SIZE: Final = 1 << 18
"""Bytes read at a time, at most."""

FIRST_READ_SIZE: Final = 1 << 12

LAST_SLICES: Final = 8
"""Of work, for what a server that has gone has left behind."""

Reason = PeerError | BackendError | OSError


class DecodingThread:
    """Runs until the server ends the connection, or :meth:`stop`; ``ended`` is called by the thread then."""

    def __init__(
        self,
        connection: socket.socket,
        client: RfbClient,
        session: VncSession,
        outlet: Outlet,
        desk: Desk,
        ended: Callable[[Reason | None], None],
        turns: ThreadTurns | None = None,
    ) -> None:
        """``connection`` is the thread's from now on; it does not block."""
        self._socket = connection
        self._client = client
        self._session = session
        self._outlet = outlet
        self._desk = desk
        self._ended = ended
        self.turns = turns or ThreadTurns()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._bell_lock = threading.Lock()
        self._stopped = threading.Event()
        self._read_size = FIRST_READ_SIZE
        self._last_slices: int | None = None
        self._poll = select.poll()
        self._thread = threading.Thread(target=self._run, name="VNC", daemon=True)
        self._thread.start()

    # -- the loop's side -------------------------------------------------------------------------

    def ring(self) -> None:
        """There is something to do: bytes that the socket did not take, or somebody looks, or nobody."""
        with self._bell_lock:
            if self._bell >= 0:
                os.eventfd_write(self._bell, 1)

    def stop(self) -> None:
        """It ends as soon as it has done the step that it is at."""
        self._stopped.set()
        self._desk.close()
        self.ring()

    # -- the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        reason: Reason | None = None
        try:
            self._talk()
        except Gone:
            pass
        except (PeerError, BackendError, OSError) as error:
            reason = error.with_traceback(None)
        except Exception as error:
            log.exception("A VNC server's pictures")
            reason = BackendError(f"{type(error).__name__}: {error}")
        finally:
            self._outlet.flush()
            self._socket.close()
            with self._bell_lock:
                os.close(self._bell)
                self._bell = -1
            self._ended(reason)

    def _talk(self) -> None:
        self._poll.register(self._bell, select.POLLIN)
        while not self._stopped.is_set():
            self._act()
            if self._wait():
                self._read()
                self._decode()

    def _act(self) -> None:
        """What it is time for, and what there is to send."""
        self._session.act(self.turns.clock())
        if not self._outlet.flush():
            raise BackendError("the VNC server does not read what it is sent")

    def _wait(self) -> bool:
        """Until there are bytes to read. False if it is time for something else before."""
        if not self._session.is_watched:
            self._client.shrink()
        wanted = select.POLLIN | (select.POLLOUT if self._outlet.unsent else 0)
        self._poll.register(self._socket, wanted)
        left = self._session.deadline - self.turns.clock()
        milliseconds = None if left == float("inf") else max(0.0, left * 1e3)
        events = dict(self._poll.poll(milliseconds))
        if self._bell in events:
            os.eventfd_read(self._bell)
        return bool(events.get(self._socket.fileno(), 0) & ~select.POLLOUT)

    def _read(self) -> None:
        try:
            count = self._socket.recv_into(self._client.room(self._read_size))
        except BlockingIOError:
            return
        if count:
            with self._outlet.lock:
                self._client.received(count)
        else:
            self._client.receive_eof()
        self._read_size = max(FIRST_READ_SIZE, min(2 * count, READ_SIZE))

    def _decode(self) -> None:
        """All that is there, in slices."""
        steps = self._steps()
        has_more = True
        while has_more and not self._stopped.is_set():
            with self.turns.slice() as piece:
                has_more = any(piece.is_over for _ in steps)
            self.turns.charge_loop(self._desk.take_worked())
            self._act()
            if has_more or self.turns.is_tired:
                self._stopped.wait(self.turns.rest_seconds)
                self._look_for_the_end()

    def _steps(self) -> Iterator[None]:
        """Decode and paint; a yield after each step."""
        while (event := self._client.step()) is not None:
            yield
            if event is WORKED:
                continue
            if isinstance(event, Failed):
                raise event.error
            for _ in self._session.handle(event, self.turns.clock()):
                yield
            if isinstance(event, UpdateStarted):
                self._outlet.flush()

    def _look_for_the_end(self) -> None:
        """PeerClosed soon after the server has hung up, however much of what it sent is not decoded yet.

        Before the handshake is done all of that counts: it may be the reason why.
        """
        if not self._client.is_connected or (self._last_slices is None and not self._has_hung_up()):
            return
        self._last_slices = LAST_SLICES if self._last_slices is None else self._last_slices - 1
        if self._last_slices <= 0:
            raise PeerClosed(f"RFB {self._client.phase_name}")

    def _has_hung_up(self) -> bool:
        """The kernel knows before we have read what came in front of it."""
        poll = select.poll()
        poll.register(self._socket, select.POLLRDHUP)
        return bool(poll.poll(0))
