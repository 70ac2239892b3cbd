"""A VM's console: its port, its picture, its keyboard, and who looks at it. It outlives the VM itself."""

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.admission.acceptor import Acceptor, Arrival
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.admission.logon_desk import LogonTarget
from pyrdpmux.mux.admission.ticket import Ticket
from pyrdpmux.mux.backend import InputSink, MonitorSink, VmStatus
from pyrdpmux.mux.console.stage import Stage, StageViewer
from pyrdpmux.mux.console.viewer import Viewer
from pyrdpmux.mux.figures import VmFigures
from pyrdpmux.mux.input.arbiter import InputArbiter
from pyrdpmux.mux.input.turns import Turns
from pyrdpmux.mux.input.typist import Typist
from pyrdpmux.mux.log.connection_log import printable
from pyrdpmux.mux.picture.cursor import DOT, AnyCursor, CursorState
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.picture.heads import PLAIN_SCALE, Monitor, fit_a_desktop, normalized
from pyrdpmux.mux.picture.screen import Screen
from pyrdpmux.mux.settings.access import Access, Principal, Proved
from pyrdpmux.mux.settings.config import ONE_AT_A_TIME, Config
from pyrdpmux.mux.streaming.streams import Streams
from pyrdpmux.net.fair import Kind
from pyrdpmux.rdp.nla.logon import Proof
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import InputEvent

logger = logging.getLogger("pyrdpmux.mux")

_serials = itertools.count(1)

UNDEFINED_POINTERS: Final[dict[str, AnyCursor]] = {
    "hidden": CursorState.HIDDEN,
    "dot": DOT,
    "arrow": CursorState.DEFAULT,
}
"""What viewers see of a pointer that the VM gives no shape, by the setting's value."""

DEAF: Final = (VmStatus.PAUSED, VmStatus.CRASHED, VmStatus.MIGRATING, VmStatus.LOST)
"""What is typed now would arrive later, or never. A VM without a signal or starting wants its keys."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a VM was asked for, and the heads that it had then."""

    monitors: tuple[Monitor, ...]
    seen: tuple[Rect, ...]

    @property
    def areas(self) -> tuple[Rect, ...]:
        """As they would lie in the picture."""
        return normalized([monitor.area for monitor in self.monitors])

    @property
    def scales(self) -> list[int]:
        """In percent."""
        return [monitor.scale for monitor in self.monitors]


class Console:
    """Serves the viewers of one VM: the :class:`~.stage.Stage` that they look at."""

    def __init__(self, name: str, factory: ConnectionFactory, config: Config) -> None:
        self.name = name
        #: tells it from every other console that has ever had its name
        self.serial = next(_serials)
        self.uuid: str | None = None
        #: of the event loop, for what the guest makes us do
        self.loop_share = factory.schedule.share(Kind.GUEST, name)
        self.screen = Screen(on_painted=self._on_painted)
        self.display = Display(self.screen)
        self.streams = Streams(self.display, factory.workers, name)
        self.arbiter = InputArbiter()
        #: threads for pictures
        self.workers = factory.workers
        self._typist: Typist | None = None
        self._watch: Callable[[bool], None] = _nobody_listens
        self._was_watched = False
        self.acceptor = Acceptor(name, factory.control, self._receive)
        #: where it is to listen as soon as the port is free
        self.awaited_port = 0
        #: for good: who is on the way here comes too late
        self.is_closed = False
        self.status = VmStatus.WAITING
        #: the guest's lock keys, once it has told
        self.leds: int | None = None
        #: the registration that may speak for this console; older ones have no say any more
        self.registration: object = None
        self._factory = factory
        #: in the order of their coming
        self._viewers: dict[StageViewer, None] = {}
        #: of the VM that stands behind the console now
        self._has_picture = False
        #: the last one that it was told
        self._wish: Wish | None = None
        self.set_status(VmStatus.WAITING)
        self.configure(config)

    @property
    def port(self) -> int:
        """Where it listens, or will do: see :attr:`is_listening`."""
        return self.acceptor.port or self.awaited_port

    @property
    def is_listening(self) -> bool:
        return self.acceptor.port != 0

    @property
    def is_running(self) -> bool:
        """A VM stands behind the console."""
        has_vm = self.registration is not None and self.status is not VmStatus.LOST
        return has_vm and not self.is_closed

    @property
    def viewers(self) -> list[StageViewer]:
        """Those that were let in."""
        return [viewer for viewer in self._viewers if viewer.is_admitted]

    @property
    def figures(self) -> VmFigures:
        """How its picture comes to those who look at it, and what that costs."""
        return VmFigures(
            loop_seconds=self.loop_share.worked,
            thread_seconds=self.workers.seconds_of(self.name),
            streams=self.streams.figures,
            ended=self.streams.ended,
            viewers=tuple([viewer.picture_figures for viewer in self.viewers]),
        )

    @property
    def is_watched(self) -> bool:
        """Somebody looks: a viewer whose window is not minimized.

        From its coming on, so that there is a picture when its client has become active, and also while it is
        not active because the size of the desktop changes.
        """
        return any(not viewer.is_suppressed for viewer in self._viewers)

    def configure(self, config: Config) -> None:
        """Other settings, perhaps while viewers are there: who may not stay is told so."""
        self._rules = config.rules(self.name)
        self._max_viewers = config.viewers(self.name)
        self._takes_over = config.limits.take_over
        self._keyboard = config.keyboard(self.name)
        self.display.set_undefined_cursor(UNDEFINED_POINTERS[config.input.pointer])
        if self._typist is not None:
            self._typist.layout = self._keyboard
        self.streams.frames_per_second = config.limits.frames_per_second
        has_turns = config.typists(self.name) == ONE_AT_A_TIME
        self.arbiter.turns = Turns(config.input.idle_seconds) if has_turns else None
        self.review()

    def review(self, *, has_other_accounts: bool = False) -> None:
        """Rules or accounts have changed: who may not stay is told so.

        ``has_other_accounts``: the VM's own, so that who has proved nothing is asked, too.
        """
        for viewer in self.viewers:
            access = self.access_of(viewer.principal)
            objection = None
            if has_other_accounts or isinstance(viewer.principal, Proved):
                objection = self._factory.objection(self, viewer.principal, viewer.ticket)
            if access is Access.NONE or objection is not None:
                reason = objection or "not allowed to see this VM any more"
                viewer.disconnect(ErrorInfo.SERVER_DENIED_CONNECTION, reason)
            elif access is Access.VIEW:
                self.arbiter.leave(viewer)

    def access_of(self, principal: Principal) -> Access:
        return self._rules.access_of(principal)

    def admits(self, principal: Principal, ticket: Ticket | None) -> bool:
        """Whether this principal may see the console: its proof counts here, and it is on the lists."""
        return self.objection(principal, ticket) is None

    def resolve(self, user: str, domain: str) -> LogonTarget:
        """What a name means at our port, or at the gateway to who has asked for us."""
        book = self._factory.accounts
        return LogonTarget(user, domain, book.in_force(self), book.source(self.name), self.serial)

    # -- the VM's life ---------------------------------------------------------------------------

    def start(self, registration: object, sink: InputSink, uuid: str | None) -> None:
        """A VM stands behind the console, perhaps again; what it shows first takes the card away."""
        self.registration = registration
        self.uuid = uuid
        self.leds = None
        self._has_picture = False
        self._wish = None
        self._watch = _nobody_listens
        self.screen.set_cursor(CursorState.UNDEFINED)
        self._typist = Typist(sink, self._keyboard)
        self.arbiter.connect(self._typist)
        self.set_status(VmStatus.WAITING)

    def lose(self, reason: str) -> None:
        """The VM is gone and may come back: viewers stay and are told."""
        if not self.is_running:
            return
        self.arbiter.connect(None)
        self.set_status(VmStatus.LOST, reason)
        logger.info("VM %s lost: %s", printable(self.name), reason)

    async def close(self, error_info: ErrorInfo, reason: str) -> None:
        """Accept nobody any more, tell those who are there, and see them off."""
        self.is_closed = True
        self.arbiter.connect(None)
        await self.acceptor.close(error_info, reason, tuple(self._viewers))
        await self.streams.close()
        self.loop_share.close()
        self.workers.forget(self.name)

    # -- what the VM tells -----------------------------------------------------------------------

    def set_status(self, status: VmStatus, text: str = "") -> None:
        """RUNNING shows the VM's picture, once there is one; anything else a card over it."""
        if status is VmStatus.RUNNING and not self._has_picture:
            status = VmStatus.WAITING
        self.status = status
        self.arbiter.pause(status in DEAF)
        if status is VmStatus.RUNNING:
            self.display.uncover()
        else:
            detail = status.value if not text else f"{status.value}: {text}"
            self.display.cover(printable(self.name), printable(detail))

    def watch(self, listener: Callable[[bool], None]) -> None:
        """The VM's source hears whether anybody looks, now and whenever that changes."""
        self._watch, self._was_watched = listener, self.is_watched
        listener(self._was_watched)

    def watched_changed(self) -> None:
        """A viewer has begun to look, or does so no more."""
        is_watched = self.is_watched
        if is_watched == self._was_watched:
            return
        self._was_watched = is_watched
        if not is_watched:
            self.display.released()
        try:
            self._watch(is_watched)
        except Exception:
            logger.exception("The source of VM %s could not be told who looks", printable(self.name))

    def set_leds(self, leds: int) -> None:
        """The guest's lock keys; viewers' keyboards follow."""
        self.leds = leds
        if self._typist is not None:
            self._typist.set_leds(leds)
        for viewer in self.viewers:
            viewer.show_leds()

    def set_pointer_mode(self, *, is_absolute: bool) -> None:
        """Whether the guest has a tablet."""
        self.arbiter.is_absolute = is_absolute

    def _on_painted(self) -> None:
        """The VM shows something: that it does so is all that was waited for."""
        self._has_picture = True
        if self.status is VmStatus.WAITING:
            self.set_status(VmStatus.RUNNING)

    # -- the stage -------------------------------------------------------------------------------

    def objection(self, principal: Principal, ticket: Ticket | None) -> str | None:
        if self.is_closed:
            return "the VM is gone"
        objection = self._factory.objection(self, principal, ticket)
        if objection is None and self.access_of(principal) is Access.NONE:
            return "not allowed to see this VM"
        return objection

    def join(self, viewer: StageViewer) -> None:
        self._viewers[viewer] = None
        self.watched_changed()

    def leave(self, viewer: StageViewer) -> None:
        self._viewers.pop(viewer, None)
        self.arbiter.leave(viewer)
        self.watched_changed()

    def identify(self, claimed: Principal, ticket: Ticket | None) -> tuple[Stage, Principal]:
        return self, claimed

    def admit(self, viewer: StageViewer) -> str | None:
        """Unless it has no right to be here, or there is no room."""
        reason = self.objection(viewer.principal, viewer.ticket)
        if reason is not None:
            return reason
        if len(self.viewers) < self._max_viewers:
            return None
        for other in self.viewers:
            if self._takes_over and other.principal.is_same(viewer.principal):
                other.disconnect(ErrorInfo.DISCONNECTED_BY_OTHERCONNECTION, "the same user came again")
                return None
        return "too many viewers"

    def listens_to(self, viewer: StageViewer) -> bool:
        return self.access_of(viewer.principal) is Access.CONTROL

    def take_input(self, viewer: StageViewer, events: Sequence[InputEvent], now: float) -> Stage | None:
        if self.access_of(viewer.principal) is Access.CONTROL:
            self.arbiter.apply(viewer, events, now)
        return None

    def place_pointer(self, viewer: StageViewer, x: int, y: int) -> bool:
        """Only where the guest has a mouse; a tablet's pointer is where viewers have put it, each its own."""
        if self.arbiter.is_absolute or self.arbiter.position_of(viewer) == (x, y):
            return False
        self.arbiter.place(viewer, x, y)
        return True

    def request_monitors(self, viewer: StageViewer, monitors: Sequence[Monitor]) -> None:
        """Only for who is alone here, so that nobody else may mind, or has the turn."""
        decides = all(other is viewer for other in self.viewers) or self.arbiter.has_turn(viewer)
        if not decides or self.access_of(viewer.principal) is not Access.CONTROL:
            return
        sink = self.arbiter.sink
        if not isinstance(sink, MonitorSink):
            return
        wish = Wish(tuple(monitors[: sink.max_monitors]), self.display.heads)
        if len(wish.monitors) > 1 and not fit_a_desktop(wish.areas):
            logger.info("VM %s: %d monitors too large for one", printable(self.name), len(wish.monitors))
            wish = Wish(wish.monitors[:1], wish.seen)
        if not self._has(wish):
            self._wish = wish
            sink.request_monitors(wish.monitors)

    @property
    def _size(self) -> tuple[int, int]:
        return self.display.width, self.display.height

    def _has(self, wish: Wish) -> bool:
        """The VM is so, and was asked for nothing else that may still be on its way.

        QUIRK(xfreerdp 2.11 /dynamic-resolution): a window that follows the VM's own change of size asks for
        that size, with both sides rounded to even ones: a VM of 641x481 would not be left in peace.
        """
        last = self._wish
        is_on_its_way = last is not None and last.seen == wish.seen and self._shown(last) != last.areas
        shown = self._shown(wish)
        is_near = len(shown) == len(wish.monitors) and all(map(_is_near, shown, wish.areas))
        scales = last.scales if last is not None else [PLAIN_SCALE] * len(wish.monitors)
        return is_near and wish.scales == scales and not is_on_its_way

    def _shown(self, wish: Wish) -> tuple[Rect, ...]:
        """What a client with so many monitors has: all heads are one desktop to who has only one."""
        return self.display.heads if len(wish.monitors) > 1 else (Rect(0, 0, *self._size),)

    def _receive(self, arrival: Arrival) -> Viewer:
        connection = self._factory.connect(self.name, self._size, self._authorize)
        return Viewer(self, connection, arrival, self._factory.desk)

    def _authorize(self, proof: Proof) -> bool:
        ticket = proof.ticket
        return isinstance(ticket, Ticket) and self.admits(ticket.principal, ticket)


def _is_near(shown: Rect, wanted: Rect) -> bool:
    return all([abs(one - other) <= 1 for one, other in zip(shown, wanted, strict=True)])


def _nobody_listens(is_watched: bool) -> None:
    """To who looks."""
