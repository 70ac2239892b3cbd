"""Active: input comes in, the desktop goes out."""

from __future__ import annotations

from pyrdpmux.rdp.connection.events import (
    FrameAcknowledged,
    InputReceived,
    RefreshRequested,
)
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.connection.server.link import ServerLink
from pyrdpmux.rdp.connection.server.logon import COOKIE_SECONDS, give_cookie
from pyrdpmux.rdp.connection.server.session import SharePhase
from pyrdpmux.rdp.pdu.display import FrameAcknowledge, RefreshRectangle
from pyrdpmux.rdp.pdu.finalization import Control, FontList, PersistentKeyList, Synchronize
from pyrdpmux.rdp.pdu.input import InputEvents


class Active(SharePhase):
    """After the Font Map PDU. The deadline here is no limit but the next heartbeat, measurement or cookie."""

    def __init__(self, link: ServerLink) -> None:
        super().__init__(link)
        if link.can_auto_detect and link.facts.round_trip_seconds is None:
            link.send_message(link.auto_detect.measure(link.now))

    def seconds(self) -> float | None:
        link = self.link
        periods = [link.keepalive.seconds()]
        if link.cookie_due is not None:
            left = link.cookie_due - link.now
            periods.append(left if left > 0 else COOKIE_SECONDS)
        return min([period for period in periods if period is not None], default=None)

    def on_timeout(self, seconds: float) -> Phase:
        link = self.link
        if link.cookie_due is not None and link.now >= link.cookie_due:
            give_cookie(link)
        for message in link.keepalive.due(link.now, link.auto_detect):
            link.send_message(message)
        if self.seconds() is None:
            link.rest()
        return self

    def on_eof(self) -> Phase:
        return self.link.end("closed by the peer", by_peer=True)

    def on_input(self, pdu: InputEvents) -> Phase:
        self.link.emit(InputReceived(pdu.events))
        return self

    def on_refresh(self, pdu: RefreshRectangle) -> Phase:
        self.link.emit(RefreshRequested(tuple([area.rect for area in pdu.areas])))
        return self

    def on_frame_acknowledge(self, pdu: FrameAcknowledge) -> Phase:
        self.link.keepalive.saw_acknowledgement()
        self.link.emit(FrameAcknowledged(pdu.frame_id))
        return self

    HANDLERS = {
        **SharePhase.HANDLERS,
        FrameAcknowledge: on_frame_acknowledge,
        InputEvents: on_input,
        RefreshRectangle: on_refresh,
        Synchronize: SharePhase.on_stale,
        Control: SharePhase.on_stale,
        FontList: SharePhase.on_stale,
        PersistentKeyList: SharePhase.on_stale,
    }
