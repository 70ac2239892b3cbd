"""One guest's conversation: its messages in, its screen painted, its acknowledgements and input out.

Without sockets, threads and clocks: messages and ``now`` are handed in, what is to be sent goes to ``send``,
and the picture is copied by whoever runs the :class:`~.copying.Copy` that is handed out.

While nobody looks nothing is copied, and a guest that can wait for its answer does
(:class:`~.acknowledging.UnwatchedBeat`). What was missed is copied, all of it, as soon as somebody looks.
"""

import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from pyrdpmux.errors import BackendError
from pyrdpmux.files.protected_file import OpenFile
from pyrdpmux.geometry import Region
from pyrdpmux.graphics.link_estimate import Rhythm
from pyrdpmux.mux.librdpmux.acknowledging import AcknowledgementTimer, UnwatchedBeat
from pyrdpmux.mux.librdpmux.copying import Copy
from pyrdpmux.mux.librdpmux.input import InputSender
from pyrdpmux.mux.librdpmux.messages import (
    COPIED,
    TAKES_PAIRS,
    DisplaySwitch,
    DisplayUpdate,
    DisplayUpdatePair,
    Keyboard,
    Message,
    Mouse,
    Shutdown,
    SizeRequest,
    TakesSizes,
    UpdateComplete,
    decode_message,
    encode_completion,
    encode_message,
    looks_like_update,
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

log = logging.getLogger("pyrdpmux.librdpmux")

COPIES_PER_SECOND: Final = 75
"""At most, in the long run: nobody sees more than 60 pictures, and a guest that paints as many is not to wait
for a beat of ours. Two may come right after each other: two rectangles of one picture do."""

COPY_REST: Final = 1.0
"""Times what a copy took, before the next begins: a guest has half of a thread at most."""

RELEASE_SECONDS: Final = 10.0
"""After the last viewer has gone, until the memory of the picture is given up."""

MAX_OWED: Final = 64
"""Acknowledgements per copy; the library waits for each before it sends the next update."""

MAX_COMPLAINTS: Final = 20
"""Lines in the log about one guest's bad messages."""


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
        #: the screen does not show what the framebuffer does: nobody looked
        self._is_stale = False
        self._release_at: float | None = None
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
        self._rhythm = Rhythm(COPIES_PER_SECOND)
        self._copying: Copy | None = None
        #: the framebuffer could not be opened: nothing is better than what was shown before
        self._is_blank = False
        #: a guest of the Python API, which does not paint over what is still to be copied
        self._is_ours = False
        self._timer = AcknowledgementTimer(now)
        self._beat = UnwatchedBeat(now)
        self._complaints = 0

    def attach(self, screen: Screen) -> None:
        """The VM is published: paint here. What arrived before is not lost."""
        self._stop_copy()
        self._screen = screen
        if self._framebuffer is not None:
            self._show(self._framebuffer, screen)

    def watched(self, is_watched: bool, now: float) -> None:
        """Whether anybody looks: then there may be a copy to begin at once."""
        if is_watched == self._is_watched:
            return
        self._is_watched = is_watched
        if not is_watched:
            self._is_stale = self._is_stale or self._copying is not None or not self._damage.is_empty
            if self._screen is not None and self._screen.surface.version:
                self._release_at = now + RELEASE_SECONDS
            self._settle(now)
            return
        self._release_at = None
        self._beat = UnwatchedBeat(now)
        if self._is_stale and self._screen is not None:
            self._is_stale = False
            self._damage = Region([self._screen.rect])
            self._next_copy = min(self._next_copy, now)
        if self._framebuffer is not None and self.acknowledges and not self._owed:
            self._acknowledge()  # in case it missed one; version 3 is told its rate

    @property
    def is_watched(self) -> bool:
        """Somebody looks."""
        return self._is_watched

    def detach(self) -> None:
        """The guest is lost: what is still read of its messages must not paint over what viewers are told."""
        self._stop_copy()
        self._screen = None

    def receive(self, messages: Iterable[bytes], now: float) -> None:
        """Whatever they are: nothing is raised, and an update is acknowledged even if it made no sense."""
        for data in messages:
            if self._dialect is None:
                self._learn_dialect(data)
            if not self._is_watched and looks_like_update(data, self.dialect.base):
                self._is_stale = True
                self._owe()
                continue
            try:
                self._take(decode_message(data, self.dialect.base))
            except BackendError as error:
                self._complain(error)
                self._owe()
        self._settle_unwatched(now)
        self._timer.heard(now, is_watched=self._is_watched)

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
        """Whether the guest is told that an update has been copied."""
        return self._is_ours or self.dialect.acknowledgement is not Acknowledgement.NONE

    @property
    def may_wait(self) -> bool:
        """Whether what it says can be read a little later, without harm to it: nobody looks, and it queues
        nothing until it is answered."""
        is_queue = self._dialect is None or self._dialect.acknowledgement is Acknowledgement.PLAIN
        return not self._is_watched and not is_queue and self._framebuffer is not None

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
        due += [deadline for deadline in (self._release_at, self._beat.deadline) if deadline is not None]
        return min(due, default=None)

    def handle_timeout(self, now: float) -> None:
        if self.acknowledges and self._timer.is_due(now):
            self._acknowledge()
        self._settle_unwatched(now)
        if self._release_at is not None and now >= self._release_at:
            self._release_at = None
            if self._screen is not None and self._framebuffer is not None:
                self._stop_copy()
                self._screen.released()
                self._is_stale = True

    def close(self, *, unlink: bool = False) -> None:
        """``unlink``: the guest is dead and has left its framebuffer behind."""
        self.detach()
        self._close_framebuffer(unlink=unlink)

    # -- copying ---------------------------------------------------------------------------------

    def is_copy_due(self, now: float) -> bool:
        return self._has_work and self._copying is None and now >= self._next_copy

    def begin_copy(self, now: float) -> Copy | None:
        """What has changed until now, to be run anywhere, and then handed to :meth:`end_copy`.

        None if there is nothing to copy. What the guest says meanwhile is for the next copy; a switch, or the
        end of the session, stops this one.
        """
        screen = self._screen
        if screen is None or not self.is_copy_due(now):
            return None
        self._rhythm.gone(now)
        self._next_copy = self._rhythm.next_at()
        if self._switch is not None:
            self._apply_switch(self._switch, screen)
        if not self._is_watched:
            self._is_stale = True
            self._settle(now)
            return None
        damage, self._damage = self._damage, Region()
        damage.clip(*self._size())
        is_blank, self._is_blank = self._is_blank, False
        if self._framebuffer is None and not is_blank:
            damage.clear()
        if self._tells_rate and not self._is_ours:
            self._settle(now)  # this library paints while we read, whether it is acknowledged or not
        owed, self._owed = self._owed, 0
        self._copying = Copy(screen, self._framebuffer, tuple(damage), owed)
        return self._copying

    def end_copy(self, copy: Copy, now: float) -> None:
        """It has been run: viewers see what it has copied, and the guest may go on painting."""
        self._copying = None
        copy.show()
        if copy.error is not None and not copy.is_stopped:
            self._complain(copy.error)
        for _ in range(copy.owed):
            self._acknowledge()
        self._next_copy = max(self._next_copy, now + COPY_REST * copy.seconds)

    def _stop_copy(self) -> None:
        if self._copying is not None:
            self._copying.is_stopped = True

    def _apply_switch(self, switch: DisplaySwitch, screen: Screen) -> None:
        self._switch = None
        self._close_framebuffer()
        try:
            surface = Surface(pixel_format(switch.format), switch.width, switch.height)
            self._framebuffer = Framebuffer.open(self._path, surface, self._owner, self._open_file)
        except BackendError as error:
            self._complain(error)
            self._is_blank = self._is_watched
            self._damage = Region([screen.rect])
            if not self._is_watched:
                screen.released()
            return
        log.debug("%s: screen %dx%d %s", self.name, surface.width, surface.height, surface.format.name)
        self._show(self._framebuffer, screen)

    def _show(self, framebuffer: Framebuffer, screen: Screen) -> None:
        """All of it, on a screen that showed something else."""
        screen.resize(framebuffer.surface.width, framebuffer.surface.height)
        self.input.forget_position()
        self._damage = Region([screen.rect])
        if not self._is_watched:
            screen.written(screen.surface, ())  # there is a picture, as soon as somebody wants to see it

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
                self._damage.add(message.rect.clip(*self._size()))
            case DisplayUpdatePair():
                self._owe()
                self._damage.add_all(rect.clip(*self._size()) for rect in message.rects)
            case DisplaySwitch():
                self._switch = self.latest_switch = message
                self._stop_copy()
            case Shutdown():
                self.ended = True
            case TakesSizes():
                self.input.takes_sizes = bool(message.takes)
                self._is_ours = True
                # From here on it waits for answers, in versions that have none, too.
                self._acknowledge(TAKES_PAIRS)
            case Mouse() | Keyboard() | UpdateComplete() | SizeRequest():
                raise BackendError(f"{type(message).__name__} from a VM, which only a server sends")

    def _learn_dialect(self, data: bytes) -> None:
        base = numbering_of(data)
        if base is not None:
            self._dialect = self._protocol.dialect_of(base)

    def _owe(self) -> None:
        if self.acknowledges:
            self._owed = min(self._owed + 1, MAX_OWED)

    def _settle_unwatched(self, now: float) -> None:
        """At once whom its rate is told: it waits by itself."""
        if self._owed and not self._is_watched and (self._tells_rate or self._beat.is_due(now)):
            self._settle(now)

    def _settle(self, now: float) -> None:
        """Nothing is copied that would have to be waited for: the damage is all of the picture, and known."""
        for _ in range(self._owed):
            self._acknowledge()
        self._owed = 0
        self._beat.answered(now)

    def _acknowledge(self, success: int = COPIED) -> None:
        rate = self._rate() if self._tells_rate else None
        self._send(encode_completion(success, rate, self.dialect.base))

    @property
    def _tells_rate(self) -> bool:
        """With each acknowledgement."""
        return self._is_ours or self.dialect.acknowledgement is Acknowledgement.WITH_RATE

    def _rate(self) -> int:
        return WATCHED_RATE if self._is_watched else UNWATCHED_RATE

    @property
    def _has_work(self) -> bool:
        if self._screen is None:
            return False
        is_behind = self._is_watched and (self._owed > 0 or not self._damage.is_empty)
        return self._switch is not None or is_behind

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
