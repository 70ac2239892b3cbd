"""One RDP client, from its first byte on: it logs on, is let in to a stage or not, sees it and types into it.

INVARIANT: a viewer delays nobody but itself: what its client sends is worked through, and its picture
encoded, in turns of its own share of the loop. Nothing of a stage is sent to it, and nothing of what it
types is heard, before the stage has let it in.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Final

from pyrdpmux.errors import NegotiationFailed
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.targets.bitmap_tiles import palette_update
from pyrdpmux.mux.admission.acceptor import Arrival
from pyrdpmux.mux.admission.logon_desk import LogonDesk
from pyrdpmux.mux.admission.networks import Origin
from pyrdpmux.mux.admission.ticket import Ticket
from pyrdpmux.mux.console.return_chord import ReturnChord
from pyrdpmux.mux.console.stage import Stage
from pyrdpmux.mux.console.viewer_desktop import ViewerDesktop
from pyrdpmux.mux.console.viewer_input import ViewerInput
from pyrdpmux.mux.console.viewer_picture import ViewerPicture
from pyrdpmux.mux.console.viewer_pointer import ViewerPointer
from pyrdpmux.mux.figures import ViewerFigures
from pyrdpmux.mux.log.connection_log import full_name, printable
from pyrdpmux.mux.settings.access import ANYBODY, Claimed, Principal, Proved
from pyrdpmux.rdp.connection.events import (
    Activated,
    ChannelClosed,
    ClientIntroduced,
    Deactivated,
    DesktopLayoutRequested,
    Disconnected,
    Event,
    FrameAcknowledged,
    GraphicsCacheOffered,
    GraphicsFrameAcknowledged,
    GraphicsOpened,
    GraphicsQuality,
    InputReceived,
    LoggedOn,
    LogonRequested,
    NetworkMeasured,
    OutputSuppressed,
    RefreshRequested,
    SecurityEstablished,
)
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.nla.logon import NtlmLogon
from pyrdpmux.rdp.pdu.display import LedFlags
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import ExtendedMouseEvent, InputEvent, MouseEvent

BINDING_CREDSSP_VERSION: Final = 5
"""From here on the client proves with a hash and a nonce which certificate it sees (CVE-2018-0886)."""

COST_OF_REFRESH: Final = 50
"""In input events, of what is no input: 200 of them a second are far more than any client has use for."""


class Viewer:
    """Drives one connection; :meth:`run` is its life."""

    def __init__(self, stage: Stage, connection: ServerConnection, arrival: Arrival, desk: LogonDesk) -> None:
        """``stage``: whose port it has come to; it joins none before it has logged on."""
        self.principal: Principal = ANYBODY
        #: what admission gave it for its password
        self.ticket: Ticket | None = None
        #: the stage has let it in
        self.is_admitted = False
        self.size = (0, 0)
        self._monitors: tuple[Rect, ...] = ()
        self.desktop = ViewerDesktop(connection, self._wish_monitors)
        self._stage = stage
        self._has_joined = False
        #: why it is sent away as soon as it can be told so
        self._refusal: str | None = None
        #: where the chord leads, for who came to this stage from another
        self._return_to: Stage | None = None
        self._chord = ReturnChord()
        self._connection = connection
        self._arrival = arrival
        self._desk = desk
        self._log = arrival.log
        self._events = arrival.events
        #: whose password was right, before the rest of the logon
        self._proved = ""
        self._has_logged_on = False
        self._peer = arrival.peer(connection)
        self._tasks: asyncio.TaskGroup | None = None
        self._logon: asyncio.Task[None] | None = None
        self._picture = ViewerPicture(connection, self._peer, self._log, self._fail)
        self._input = ViewerInput(asyncio.get_running_loop().time, asyncio.sleep)
        self._pointer = ViewerPointer(connection, self._peer, self._follow)
        self._unsubscribe: Callable[[], None] = _nothing

    @property
    def address(self) -> str:
        return self._peer.peername

    @property
    def origin(self) -> Origin:
        """The network that it comes from."""
        return self._arrival.origin

    @property
    def is_active(self) -> bool:
        return self._connection.is_active

    @property
    def is_suppressed(self) -> bool:
        """The client's window is minimized."""
        return self._picture.is_suppressed

    @property
    def picture_figures(self) -> ViewerFigures:
        """How its picture comes to it."""
        return self._picture.figures

    async def run(self) -> None:
        """Until the connection has ended; the socket is closed on return."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await self._peer.run(self._on_event, self._settle)
                if self._logon is not None:
                    self._logon.cancel()
        finally:
            # INVARIANT: nothing that has ended waits for the collector of cycles.
            self._tasks = self._logon = None
            self._picture.close()
            self._pointer.close()
            self.desktop.close()
            self._leave()

    def begin(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None] | None":
        """Do this, as long as the connection lasts."""
        if self._tasks is None:
            work.close()
            return None
        return self._tasks.create_task(work)

    async def work(self, steps: Iterable[object]) -> None:
        """Take these steps in turns of this viewer's share."""
        await self._arrival.work(steps)

    def _go_on(self, stage: Stage, return_to: Stage | None) -> None:
        """To another stage, whose size and picture it takes on. The chord leads to ``return_to``."""
        self._leave()
        self._return_to, self._chord = return_to, ReturnChord()
        self._join(stage)
        if self._connection.is_active:  # otherwise that is still to come
            self._appear()
        self._peer.flush()

    def _join(self, stage: Stage) -> None:
        if stage is not self._stage:
            self._log.info("Goes on to %s", printable(stage.name))
            self._log.set_vm(stage.name)
        self._stage = stage
        self._has_joined = True
        self._unsubscribe = stage.display.subscribe(self)
        stage.join(self)
        self.desktop.fit(stage.display)

    def _leave(self) -> None:
        self.is_admitted = False
        self._picture.start_over()
        self._input.clear()
        self._unsubscribe()
        self._unsubscribe = _nothing
        if self._has_joined:
            self._has_joined = False
            self._stage.leave(self)

    def disconnect(self, error_info: ErrorInfo, reason: str) -> None:
        """Ask the client to go, and tell it why."""
        self.is_admitted = False
        self._picture.start_over()
        self._connection.disconnect(error_info, reason, self._now())
        self._peer.flush()

    # -- the screen's side -----------------------------------------------------------------------

    def screen_changed(self) -> None:
        """The stream knows."""

    def screen_resized(self, width: int, height: int) -> None:
        self._picture.start_over()
        self.desktop.fit(self._stage.display)
        self._peer.flush()

    def cursor_changed(self) -> None:
        if self.is_admitted:
            self._pointer.show(self._stage.display.cursor)

    def cursor_moved(self, x: int, y: int) -> None:
        if self.is_admitted:
            self._pointer.moved_by_guest(x, y)

    def show_leds(self) -> None:
        """The lock keys of the client's keyboard follow the guest's."""
        if self._stage.leds is not None and self._connection.is_active:
            self._connection.send_keyboard_indicators(LedFlags(self._stage.leds))
            self._peer.flush()

    # -- the connection's side -------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        match event:
            case InputReceived(events):
                self._input.charge(len(events))
                self._on_input(events)
            case RefreshRequested() | OutputSuppressed() | DesktopLayoutRequested():
                self._input.charge(COST_OF_REFRESH)
                self._on_wish(event)
            case Activated():
                self._on_activated(event)
            case Deactivated():
                self._picture.pause()
            case ClientIntroduced():
                self._on_introduced(event)
            case LogonRequested(logon) if self._tasks is not None:
                self._logon = self._tasks.create_task(self._check_logon(logon))
            case LoggedOn():
                self._on_logged_on(event)
            case Disconnected():
                self._on_disconnected(event)
            case _:
                if not self._on_picture_news(event):
                    self._log_detail(event)

    def _on_picture_news(self, event: Event) -> bool:
        """What the client tells of how it is drawn to; False if it is about something else."""
        match event:
            case GraphicsFrameAcknowledged(frame_id, queue_depth):
                self._picture.acknowledged(frame_id, queue_depth)
            case FrameAcknowledged(frame_id):
                self._picture.acknowledged(frame_id)
            case GraphicsOpened():
                self._picture.opened(event)
            case GraphicsCacheOffered():
                self._picture.offered(event)
            case GraphicsQuality():
                self._picture.quality(event)
            case ChannelClosed():
                self._picture.lost(event)
            case NetworkMeasured():
                self._picture.measured(event)
            case _:
                return False
        return True

    def _on_wish(self, event: RefreshRequested | OutputSuppressed | DesktopLayoutRequested) -> None:
        """What the client wants of its picture."""
        match event:
            case RefreshRequested(rects):
                self._picture.refresh(rects)
            case OutputSuppressed(is_suppressed):
                self._log.debug("Output %s", "suppressed" if is_suppressed else "wanted again")
                self._picture.suppress(is_suppressed)
                if self._has_joined:
                    self._stage.watched_changed()
            case DesktopLayoutRequested():
                self.desktop.requested(event)

    async def _settle(self) -> None:
        """Of who has hung up, what is left is worth a burst and no more."""
        await self._input.work_off(self._peer.turn, self._apply_input)
        if self._input.is_slowed and self._peer.has_hung_up:
            self._peer.abort()

    def _on_input(self, events: Sequence[InputEvent]) -> None:
        """What nobody would listen to costs nothing."""
        if self.is_admitted and (self._return_to is not None or self._stage.listens_to(self)):
            self._input.add(events)

    def _apply_input(self, events: Sequence[InputEvent]) -> None:
        if not self.is_admitted:
            return
        if any(isinstance(event, MouseEvent | ExtendedMouseEvent) for event in events):
            self._pointer.moved_by_user()
        index = self._chord.find(events) if self._return_to is not None else None
        stage = self._stage.take_input(self, events[:index], self._now())
        if stage is not None:
            self._go_on(stage, self._stage)
        elif index is not None and self._return_to is not None:
            self._go_on(self._return_to, None)

    def _on_introduced(self, event: ClientIntroduced) -> None:
        self.desktop.introduced(event)
        self._log.debug("Client %s, build %d", printable(event.client_name), event.client_build)

    async def _check_logon(self, logon: NtlmLogon) -> None:
        try:
            arrival = self._arrival
            proof = await self._desk.check(logon, self._stage, arrival.origin, is_exempt=arrival.is_exempt)
        except Exception:
            self._log.exception("The password could not be checked")
            proof = None
        else:
            if proof is None:
                self._events.failed(full_name(logon.user, logon.domain))
            else:
                self._proved = full_name(proof.user, proof.domain)
        self._connection.answer_logon(proof, self._now())
        self._peer.flush()

    def _on_logged_on(self, event: LoggedOn) -> None:
        self._has_logged_on = True
        self._events.logged_on(
            full_name(event.user, event.domain),
            is_proved=event.is_authenticated,
            is_reconnect=event.is_reconnect,
        )
        self.ticket = event.ticket if isinstance(event.ticket, Ticket) else None
        who: Principal = Claimed(event.user, event.domain)
        if event.is_authenticated:
            who = self.ticket.principal if self.ticket is not None else Proved(event.user, event.domain)
        stage, self.principal = self._stage.identify(who, self.ticket)
        self._refusal = stage.objection(self.principal, self.ticket)
        if self._refusal is None:
            self._join(stage)

    def _on_activated(self, event: Activated) -> None:
        self.size, self._monitors = (event.width, event.height), event.monitors
        level = logging.DEBUG if event.is_reactivation else logging.INFO
        depth = event.bits_per_pixel
        self._log.log(level, "Active at %dx%d, %d bits per pixel", event.width, event.height, depth)
        if depth == 8:
            self._connection.send_palette(palette_update())
        self._pointer.start_over()
        self._appear()

    def _appear(self) -> None:
        """On the stage, if it lets us: not any sooner, since only an active client can be told why not."""
        if not self.is_admitted:
            reason = self._refusal if self._refusal is not None else self._stage.admit(self)
            if reason is not None:
                self._events.refused(full_name(self.principal.user, self.principal.domain), reason)
                self.disconnect(ErrorInfo.SERVER_DENIED_CONNECTION, reason)
                return
            self.is_admitted = True
            self._stage.watched_changed()
            self._arrival.admit(f"{printable(self.principal.user)}@{self.address}")
            self._stage.request_monitors(self, self.desktop.monitors)
        if not self._connection.is_active:  # the size that it asked for came at once
            return
        self.cursor_changed()
        self.show_leds()
        self._picture.show(self._stage.streams, self.size, self._monitors)

    def _fail(self, reason: str) -> None:
        self.disconnect(ErrorInfo.SERVER_DENIED_CONNECTION, reason)

    def _on_disconnected(self, event: Disconnected) -> None:
        """Keys that it holds are let go now, not when its socket has lingered."""
        self._leave()
        self._arrival.ended(event.error)
        is_barred = self._proved and not self._has_logged_on and not event.by_peer and event.error is None
        if is_barred or isinstance(event.error, NegotiationFailed):
            self._events.refused(self._proved, event.reason)
        self._events.ended(
            event.reason,
            by_peer=event.by_peer,
            has_logged_on=self._has_logged_on,
            now=self._now(),
            received=self._peer.bytes_received,
            sent=self._peer.bytes_sent,
        )

    def _log_detail(self, event: Event) -> None:
        match event:
            case SecurityEstablished():
                self._log.debug("Security: %s", event.description)
                if event.credssp_version is not None and event.credssp_version < BINDING_CREDSSP_VERSION:
                    self._log.info("CredSSP version %d, see credssp-min-version", event.credssp_version)
            case _:
                self._log.debug("%r", event)

    def _wish_monitors(self) -> None:
        if self.is_admitted:
            self._log.debug("Wants %s", self.desktop)
            self._stage.request_monitors(self, self.desktop.monitors)
            self.desktop.fit(self._stage.display)
            self._peer.flush()

    def _follow(self, x: int, y: int) -> bool:
        return self._stage.place_pointer(self, x, y)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _nothing() -> None:
    """There is nothing to unsubscribe from."""
