"""When a viewer gets its next frame, and how much the link takes until the next change.

The measure is *queue time*: how long what is sent now would wait behind what is under way, by a model of the
link that every acknowledgement corrects (:mod:`pyrdpmux.graphics.link_model`). Frames are not counted, with
one exception: too many that should long have been acknowledged stop the flow for a while, never for good.

What real clients do, and what comes of it here:

* QUIRK(mstsc): a frame of H.264 is acknowledged only when later ones have arrived. The newest frame is never
  waited for, and an acknowledgement that a later frame may have brought about is no evidence of a slow link.
* QUIRK(mstsc): queue depths of 352,000 bytes. A depth is shown, at most as what is really under way, and not
  steered by: the time of acknowledgements says the same.
* Acknowledgements suspended (queueDepth 0xFFFFFFFF), withheld, or unknown to the client (bitmap updates): the
  socket's drain and auto-detect's round trips take their place.
"""

from __future__ import annotations

import math
from typing import Final

from pyrdpmux.graphics.link_estimate import Rhythm, Traffic
from pyrdpmux.graphics.link_model import NEAR, LinkModel
from pyrdpmux.graphics.pacing import PacerFigures

SUSPEND: Final = 0xFFFFFFFF
"""MS-RDPEGFX 2.2.2.13: SUSPEND_FRAME_ACKNOWLEDGEMENT."""

FRAMES_PER_SECOND: Final = 60.0

TARGET: Final = 0.03
"""Seconds of queue that are left when the next frame goes: enough to compute it in, too little to be felt."""

UNKNOWN_LINK_FRAMES: Final = 2
"""Frames under way while nothing is known of the link."""

ALLOWANCE: Final = 32 * 1024
MAX_ALLOWANCE: Final = 1 << 20
"""Bytes that may wait in our own socket: in any case, since TLS and the kernel cut no finer; and at most."""

MIN_HELD: Final = 1
"""Frames at the least that a client may keep unacknowledged until later ones arrive."""

MIN_GRACE: Final = 0.15
MAX_GRACE: Final = 1.0
"""Seconds after which a frame goes in spite of missing acknowledgements; twice as many each time."""

SILENT_GRACES: Final = 4
SILENT_AFTER: Final = 2.0
"""Times in a row, and seconds, after which acknowledgements are no longer expected, until one comes."""

SILENT_SECONDS: Final = 0.1
"""Seconds between frames for a client that has stopped acknowledging: it may be stopped altogether."""

OVERLAP: Final = 0.2
"""Of the time that all under way takes, if that is longer than TARGET: the next frame goes so early that a
link which is faster than thought shows it."""

MAX_WAIT: Final = 0.5
"""Seconds after a frame when another one goes, whatever the model says, if hardly anything is under way."""

DRAIN_AFTER: Final = 8.0
"""Seconds of a busy link after which it is let run dry once, to see its least round trip (as BBR does)."""

MIN_WAIT: Final = 0.001
"""Seconds: asked more often, the answer would creep."""

POLL: Final = 0.005
MAX_POLL: Final = 0.25
"""Seconds until a socket that is too full is looked at again."""

SLICE: Final = 0.04
SHORT_SLICE: Final = 0.01
"""Seconds of the link that a refinement may take: at most, and while a change is due any moment."""

MIN_SLICE: Final = 2 * 1024
MAX_SLICE: Final = 1 << 20
UNKNOWN_SLICE: Final = 16 * 1024
"""Bytes of a refinement at least, at most, and while nothing is known of the link."""

FRAME_SECONDS: Final = 0.07
"""Of the link, that one frame may take: what changes meanwhile waits for it."""

MAX_FRAME_SECONDS: Final = 1.0
"""And where the next frame takes longer than that to be computed: as long, but no longer than this."""

MIN_ROOM: Final = 16 * 1024
UNKNOWN_ROOM: Final = 48 * 1024
UNKNOWN_NEAR_ROOM: Final = 512 * 1024
"""Bytes of a frame at least, and while nobody knows what the link takes."""

SLOW: Final = 2_000_000
"""Bytes a second, half of what a thread compresses: below, compressing saves more time than it takes."""

REGULAR: Final = 0.25
"""Seconds: changes with longer pauses have no rhythm to reckon with."""


class Pacer:
    """The pacing of one viewer: :class:`~pyrdpmux.graphics.pacing.Pacing` says what each method is."""

    def __init__(self, *, acknowledges: bool = True, frames_per_second: float = FRAMES_PER_SECOND) -> None:
        """``acknowledges``: the client is expected to acknowledge frames."""
        self._link = LinkModel()
        self._rhythm = Rhythm(frames_per_second)
        self._traffic = Traffic()
        #: of the client, once known
        self._acknowledges = acknowledges
        #: and now: neither suspended nor withheld
        self._is_acknowledging = acknowledges
        self._acknowledged_at = -math.inf
        self._last_sent = -math.inf
        self._dry_at = -math.inf
        self._changed_at = -math.inf
        #: between changes, smoothed
        self._change_seconds = math.inf
        self._forget()

    def _forget(self) -> None:
        self._depth = 0
        self._graces = 0

    # -- what happens --------------------------------------------------------------------------------

    def sent(self, frame_id: int, size: int, now: float, *, is_refinement: bool = False) -> None:
        if self._is_stopped(now):
            self._graces += 1
            is_silent = self._graces >= SILENT_GRACES and now - self._acknowledged_at >= SILENT_AFTER
            if is_silent and not self._link.waiting:
                self._is_acknowledging = False
        if not self._is_acknowledging:
            self._link.retire_expected(now)
        size = max(size, 0)
        if self._link.send(frame_id, size, now).is_first:
            self._dry_at = now
        self._rhythm.gone(now)
        self._traffic.add(size, now)
        self._last_sent = now
        if not is_refinement:
            self._changed(now)

    def _changed(self, now: float) -> None:
        seconds = now - self._changed_at
        is_regular = seconds < REGULAR and self._change_seconds < REGULAR
        self._change_seconds = (3 * self._change_seconds + seconds) / 4 if is_regular else seconds
        self._changed_at = now

    def acknowledged(self, frame_id: int, queue_depth: int, now: float) -> None:
        if queue_depth == SUSPEND:
            self.suspend(now)
            return
        if not self._is_acknowledging:
            self.resume(now)
        frame = next((frame for frame in self._link.frames if frame.frame_id == frame_id), None)
        if frame is None:
            return
        self._link.retire_until(frame)
        self._graces = 0
        self._acknowledged_at = now
        self._depth = min(max(queue_depth, 0), self._link.size)
        self._link.arrived(frame, now)

    def round_trip(self, seconds: float, now: float) -> None:
        if not 0 <= seconds < math.inf:
            return
        last = self._link.round_trip_measured(seconds, now)
        if last is not None and not self._is_acknowledging:
            self._link.retire_until(last)
            self._link.arrived(last, now)

    def bandwidth(self, bits_per_second: float, now: float) -> None:
        if 0 < bits_per_second < math.inf:
            self._link.bandwidth_measured(bits_per_second / 8, now)

    def delivered(self, bytes_per_second: float, now: float) -> None:
        if 0 < bytes_per_second < math.inf:
            self._link.delivered(bytes_per_second, now)

    def unsent(self, size: int, now: float, in_flight: int | None = None) -> None:
        in_flight = None if in_flight is None else max(in_flight, 0)
        self._link.looked(max(size, 0), in_flight, now, acknowledges=self._is_acknowledging)

    def suspend(self, now: float) -> None:
        self._is_acknowledging = False
        self._forget()
        while self._link.frames:
            self._link.retire()

    def resume(self, now: float) -> None:
        self.suspend(now)
        self._acknowledges = self._is_acknowledging = True

    def start_over(
        self, now: float, *, acknowledges: bool | None = None, frames_per_second: float | None = None
    ) -> None:
        self._link.forget()
        self._forget()
        if acknowledges is not None:
            if acknowledges != self._acknowledges:
                self._link.forget_acknowledgements()
            self._acknowledges = acknowledges
        self._is_acknowledging = self._acknowledges
        self._acknowledged_at = -math.inf
        if frames_per_second is not None:
            self._rhythm = Rhythm(frames_per_second)

    # -- what is asked -------------------------------------------------------------------------------

    def ready_at(self, now: float) -> float:
        at = max(self._rhythm.next_at(), self._socket_at(now), self._link_at(now))
        return now if at <= now else max(at, now + MIN_WAIT)

    def _socket_at(self, now: float) -> float:
        """When there is room in our own socket: a time to look again, since only the owner knows."""
        rate = self._link.rate
        allowance = min(max(ALLOWANCE, (rate.bytes_per_second or 0.0) * TARGET), MAX_ALLOWANCE)
        if self._link.waiting <= allowance:
            return now
        return now + min(max(rate.seconds(self._link.waiting - allowance), POLL), MAX_POLL)

    def _link_at(self, now: float) -> float:
        """When what is under way has gone on far enough."""
        frames = self._link.frames
        if self._is_stopped(now):
            return now + MAX_POLL if self._link.is_on_the_way else self._last_sent + self._grace
        if self._link.rate.bytes_per_second is None:
            if not self._is_acknowledging:
                return now + POLL if self._link.outstanding > ALLOWANCE else now
            return self._last_sent + MAX_WAIT if len(frames) >= UNKNOWN_LINK_FRAMES else now
        if self._is_silent:
            return self._last_sent + SILENT_SECONDS
        at = self._link.busy_until - max(TARGET, OVERLAP * (self._link.busy_until - self._last_sent))
        if len(frames) <= max(self._held, self._link.taken) and not self._link.is_on_the_way:
            at = min(at, self._last_sent + MAX_WAIT)
        if frames and now - self._dry_at > DRAIN_AFTER:
            has_all = self._link.taken == len(frames)  # then only the client itself is waited for
            at = max(at, min(frames[-1].expected_at, self._last_sent + MAX_WAIT if has_all else math.inf))
        return at

    @property
    def _is_silent(self) -> bool:
        """The client has stopped acknowledging without having said so."""
        return not self._is_acknowledging and self._graces > 0 and self._acknowledged_at > -math.inf

    @property
    def _held(self) -> int:
        return max(self._link.held, MIN_HELD)

    def _is_stopped(self, now: float) -> bool:
        """More acknowledgements are missing than a client may keep back."""
        return self._is_acknowledging and self._link.overdue(now) > self._held

    @property
    def _grace(self) -> float:
        """Seconds that missing acknowledgements are waited for."""
        least = max(MIN_GRACE, self._link.round_trip + self._link.slack)
        return float(min(least * 2**self._graces, MAX_GRACE))

    def budget(self, now: float) -> int:
        if self.ready_at(now) > now:
            return 0
        if self._is_stopped(now):
            return MIN_SLICE  # the client may wait for just that, and the others of its stream do
        rate = self._link.rate.bytes_per_second
        if rate is None:
            return UNKNOWN_SLICE
        queue = self._link.queue(now)
        size = int(min(max(rate * (self._seconds_free(now) - queue), 0.0), MAX_SLICE))
        return size if queue and now - self._last_sent < MAX_WAIT else max(size, MIN_SLICE)

    def room(self, now: float, seconds: float = 0.0) -> int:
        rate = self._link.rate
        known = rate.bytes_per_second or 0.0
        seconds = max(FRAME_SECONDS, min(seconds, MAX_FRAME_SECONDS))
        if rate.is_confirmed:
            return max(int(known * seconds), MIN_ROOM)
        # What has come within a round trip, and more: it grows as TCP begins.
        room = known * (self._link.round_trip + seconds)
        return max(int(room), UNKNOWN_NEAR_ROOM if self._link.round_trip < NEAR else UNKNOWN_ROOM)

    def is_slow(self, tcp_round_trip: float | None = None) -> bool:
        rate = self._link.rate
        if rate.is_confirmed and rate.bytes_per_second is not None:
            return rate.bytes_per_second < SLOW
        trip = self._link.known_round_trip
        trip = tcp_round_trip if trip is None else trip
        return trip is not None and trip >= NEAR

    def _seconds_free(self, now: float) -> float:
        """Until the next change is due."""
        if self._change_seconds >= REGULAR or now - self._changed_at >= REGULAR:
            return SLICE
        due = self._changed_at + self._change_seconds - now
        return min(max(due, SHORT_SLICE), SLICE)

    def lag(self, now: float) -> float:
        if self._is_silent:
            return now - self._acknowledged_at
        held_back = self._link.overdue(now) - self._held
        for number, frame in enumerate(self._link.frames):
            if frame.expected_at > now or number < held_back:
                return max(now - frame.sent_at - self._link.round_trip, 0.0)
        return 0.0

    def figures(self, now: float) -> PacerFigures:
        frames_per_second, sent = self._traffic.per_second(now)
        rate = self._link.rate.bytes_per_second
        return PacerFigures(
            round_trip=self._link.known_round_trip,
            queue=self._link.queue(now),
            lag=self.lag(now),
            bits_per_second=None if rate is None else 8 * rate,
            frames_in_flight=sum(frame.expected_at > now for frame in self._link.frames),
            frames_per_second=frames_per_second,
            sent_bits_per_second=8 * sent,
            client_queue_bytes=self._depth,
            is_acknowledging=self._is_acknowledging,
        )
