"""One guest's conversation: its messages in, its screen painted, its acknowledgements and input out.

Without sockets and clocks: messages and ``now`` are handed in, what is to be sent goes to ``send``. The
picture is copied in small steps, which somebody else takes when it is this guest's turn.
"""

import logging
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np

from pyrdpmux.codec.color import Pixels
from pyrdpmux.errors import BackendError
from pyrdpmux.files.protected_file import OpenFile
from pyrdpmux.geometry import Rect, Region
from pyrdpmux.mux.librdpmux.input import InputSender
from pyrdpmux.mux.librdpmux.messages import (
    DisplaySwitch,
    DisplayUpdate,
    Keyboard,
    Message,
    Mouse,
    Shutdown,
    SizeRequest,
    TakesSizes,
    UpdateComplete,
    decode_message,
    encode_message,
    numbering_of,
)
from pyrdpmux.mux.librdpmux.protocol import (
    PROTOCOLS,
    UNWATCHED_RATE,
    WATCHED_RATE,
    Acknowledgement,
    Dialect,
    Protocol,
)
from pyrdpmux.mux.librdpmux.shared_memory import Framebuffer, Surface, Unlink
from pyrdpmux.mux.picture.pixel_format import pixel_format
from pyrdpmux.mux.picture.screen import Screen
from pyrdpmux.mux.resting import REST_FACTOR

log = logging.getLogger("pyrdpmux.librdpmux")

REPEAT_AFTER: Final = 0.2
"""Silence after which the last acknowledgement is repeated. The library signals its waiting thread without a
lock: one that comes before the thread sleeps is lost, and the display stands still for good."""

KEEP_ALIVE: Final = 2.0
"""Acknowledgements of a silent guest: ten seconds without any message make the library abort its process."""

COPY_INTERVAL: Final = 1 / 60
"""Between the beginnings of two copies: nobody sees more pictures than that."""

MAX_OWED: Final = 64
"""Acknowledgements per copy; the library waits for each before it sends the next update."""

MAX_COMPLAINTS: Final = 20
"""Lines in the log about one guest's bad messages."""


class AcknowledgementTimer:
    """When to acknowledge without having been asked."""

    def __init__(self, now: float) -> None:
        self.deadline = now + REPEAT_AFTER

    def heard(self, now: float) -> None:
        """The guest sent something: it may be waiting now."""
        self.deadline = now + REPEAT_AFTER

    def is_due(self, now: float) -> bool:
        """Asked at or after the deadline, says so once and plans the next."""
        if now < self.deadline:
            return False
        self.deadline = now + KEEP_ALIVE
        return True


class Session:
    """The server's side of one VM. ``owner`` is the uid its framebuffer must belong to."""

    def __init__(
        self,
        name: str,
        path: Path,
        owner: int | None,
        send: Callable[[bytes], None],
        now: float,
        protocol: Protocol = PROTOCOLS[1],
        *,
        open_file: OpenFile = os.open,
        unlink: Unlink | None = None,
        complain: Callable[[str], None] | None = None,
    ) -> None:
        """``open_file`` opens the framebuffer, ``unlink`` removes it when its VM is dead.

        ``complain`` is told what is wrong with the guest.
        """
        self.input = InputSender(self._send_input, self._size)
        self.name = name
        self.ended = False
        self._is_watched = True
        #: the latest one, whether it made sense or not
        self.latest_switch: DisplaySwitch | None = None
        self._protocol = protocol
        self._dialect: Dialect | None = protocol.dialects[0] if len(protocol.dialects) == 1 else None
        self._path = path
        self._owner = owner
        self._send = send
        self._open_file = open_file
        self._unlink = unlink
        self._tell = complain or (lambda text: log.warning("%s: %s", name, text))
        self._screen: Screen | None = None
        self._framebuffer: Framebuffer | None = None
        self._switch: DisplaySwitch | None = None
        self._damage = Region()
        self._owed = 0
        self._next_copy = now
        self._is_copying = False
        #: changes when what is being copied is of no use any more
        self._epoch = 0
        self._timer = AcknowledgementTimer(now)
        self._complaints = 0

    def attach(self, screen: Screen) -> None:
        """The VM is published: paint here. What arrived before is not lost."""
        self._epoch += 1
        self._screen = screen
        if self._framebuffer is not None:
            self._show(self._framebuffer, screen)

    def watched(self, is_watched: bool) -> None:
        """Whether anybody looks: the rate that libraries are told which ask for it."""
        self._is_watched = is_watched

    def detach(self) -> None:
        """The guest is lost: what is still read of its messages must not paint over what viewers are told."""
        self._epoch += 1
        self._screen = None

    def receive(self, messages: Iterable[bytes], now: float) -> None:
        """Whatever they are: nothing is raised, and an update is acknowledged even if it made no sense."""
        for data in messages:
            if self._dialect is None:
                self._learn_dialect(data)
            try:
                self._take(decode_message(data, self.dialect.base))
            except BackendError as error:
                self._complain(error)
                self._owe()
        self._timer.heard(now)

    @property
    def dialect(self) -> Dialect:
        """The one that is spoken; the likeliest before anything has been said."""
        return self._dialect or self._protocol.dialects[0]

    @property
    def base(self) -> int | None:
        """What message types count from, if that is certain."""
        return self._dialect.base if self._dialect is not None else None

    @property
    def acknowledges(self) -> bool:
        return self.dialect.acknowledgement is not Acknowledgement.NONE

    @property
    def has_framebuffer(self) -> bool:
        return self._framebuffer is not None

    def resume(self, base: int | None, switch: DisplaySwitch | None) -> None:
        """What an earlier server knew of this VM; it will not say it again."""
        if base is not None:
            self._dialect = self._protocol.dialect_of(base)
        self._switch = self.latest_switch = switch

    def greeting(self) -> bytes:
        """Harmless, and what a VM waits for that an earlier server has not answered."""
        rate = self._rate() if self._protocol.version > 2 else None
        return encode_message(UpdateComplete(frame_rate=rate), self.dialect.base)

    def next_deadline(self, *, is_working: bool = False) -> float | None:
        """None: nothing is due before the guest says something. ``is_working``: copies are seen to."""
        due = [self._timer.deadline] if self.acknowledges else []
        if self._has_work and not is_working:
            due.append(self._next_copy)
        return min(due, default=None)

    def handle_timeout(self, now: float) -> None:
        if self.acknowledges and self._timer.is_due(now):
            self._acknowledge()

    def close(self, *, unlink: bool = False) -> None:
        """``unlink``: the guest is dead and has left its framebuffer behind."""
        self.detach()
        self._close_framebuffer(unlink=unlink)

    # -- copying ---------------------------------------------------------------------------------

    def is_copy_due(self, now: float) -> bool:
        return self._has_work and not self._is_copying and now >= self._next_copy

    def copy_steps(self) -> Generator[None, None, None]:
        """What has changed until now, from the framebuffer to the screen; then it is acknowledged.

        A step is a band of the screen (:data:`pyrdpmux.mux.picture.screen.BAND`). What the guest says
        meanwhile is for the next copy; a switch, or the end of the session, ends this one.
        """
        screen = self._screen
        if screen is None:
            return
        owed, self._owed = self._owed, 0
        epoch = self._epoch
        self._is_copying = True
        try:
            yield from self._apply_switch(screen, epoch)
            yield from self._copy(screen, epoch)
        except BackendError as error:
            self._complain(error)
        finally:
            self._is_copying = False
            for _ in range(owed):
                self._acknowledge()

    def copied(self, started: float, ended: float, worked: float) -> None:
        """``worked``: seconds that the steps themselves have taken, however long they had to wait."""
        self._next_copy = max(started + COPY_INTERVAL, ended + REST_FACTOR * worked)

    def _apply_switch(self, screen: Screen, epoch: int) -> Iterator[None]:
        if self._switch is None:
            return
        switch, self._switch = self._switch, None
        self._close_framebuffer()
        try:
            surface = Surface(pixel_format(switch.format), switch.width, switch.height)
            self._framebuffer = Framebuffer.open(self._path, surface, self._owner, self._open_file)
        except BackendError as error:
            self._complain(error)
            # Nothing is better than what the guest has not shown for a while.
            yield from self._update(screen, screen.rect, _black, epoch)
            return
        log.debug("%s: screen %dx%d %s", self.name, surface.width, surface.height, surface.format.name)
        self._show(self._framebuffer, screen)

    def _show(self, framebuffer: Framebuffer, screen: Screen) -> None:
        """All of it, on a screen that showed something else."""
        screen.resize(framebuffer.surface.width, framebuffer.surface.height)
        self.input.forget_position()
        self._damage = Region([screen.rect])

    def _copy(self, screen: Screen, epoch: int) -> Iterator[None]:
        framebuffer = self._framebuffer
        if self._is_stale(epoch):
            return
        damage, self._damage = self._damage, Region()
        if framebuffer is None:
            return
        damage.clip(*self._size())
        for rect in damage:
            yield from self._update(screen, rect, framebuffer.read_bgrx, epoch)

    def _update(
        self, screen: Screen, rect: Rect, fetch: Callable[[Rect], Pixels], epoch: int
    ) -> Iterator[None]:
        """INVARIANT: nothing is fetched once the framebuffer may be closed, or another one be meant."""
        if self._is_stale(epoch):
            return
        with closing(screen.update_in_steps(rect, fetch)) as steps:
            for _ in steps:
                yield
                if self._is_stale(epoch):
                    return

    def _is_stale(self, epoch: int) -> bool:
        """Whether a copy that began then is of no use any more."""
        return self._epoch != epoch or self._switch is not None

    def _close_framebuffer(self, *, unlink: bool = False) -> None:
        if self._framebuffer is not None:
            if unlink:
                self._framebuffer.unlink(*([self._unlink] if self._unlink is not None else []))
            self._framebuffer.close()
            self._framebuffer = None

    # -- inside ----------------------------------------------------------------------------------

    def _take(self, message: Message) -> None:
        match message:
            case DisplayUpdate():
                self._owe()
                rect = message.rect
                self._damage.add(rect.clip(*self._size()))
            case DisplaySwitch():
                self._switch = self.latest_switch = message
            case Shutdown():
                self.ended = True
            case TakesSizes():
                self.input.takes_sizes = bool(message.takes)
            case Mouse() | Keyboard() | UpdateComplete() | SizeRequest():
                raise BackendError(f"{type(message).__name__} from a VM, which only a server sends")

    def _learn_dialect(self, data: bytes) -> None:
        base = numbering_of(data)
        if base is not None:
            self._dialect = self._protocol.dialect_of(base)

    def _owe(self) -> None:
        if self.acknowledges:
            self._owed = min(self._owed + 1, MAX_OWED)

    def _acknowledge(self) -> None:
        rate = self._rate() if self.dialect.acknowledgement is Acknowledgement.WITH_RATE else None
        self._send(encode_message(UpdateComplete(frame_rate=rate), self.dialect.base))

    def _rate(self) -> int:
        return WATCHED_RATE if self._is_watched else UNWATCHED_RATE

    @property
    def _has_work(self) -> bool:
        return self._screen is not None and bool(self._switch or self._owed or not self._damage.is_empty)

    def _size(self) -> tuple[int, int]:
        """Of what the guest shows; before that, of what its viewers see."""
        if self._framebuffer is not None:
            return self._framebuffer.surface.width, self._framebuffer.surface.height
        return (self._screen.width, self._screen.height) if self._screen is not None else (1, 1)

    def _send_input(self, message: Mouse | Keyboard | SizeRequest) -> None:
        self._send(encode_message(message, self.dialect.base))

    def _complain(self, error: BackendError) -> None:
        self._complaints += 1
        if self._complaints <= MAX_COMPLAINTS:
            self._tell(str(error))
        if self._complaints == MAX_COMPLAINTS:
            self._tell("further complaints are not logged")


def _black(band: Rect) -> Pixels:
    return np.zeros((band.height, band.width, 4), np.uint8)
