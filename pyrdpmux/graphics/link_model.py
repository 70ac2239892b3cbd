"""A model of the way to a viewer: what is under way on it, and how long what is sent now would wait there.

One server (its bandwidth) with a queue in front, and a round trip around it. Sending adds to the queue, time
takes off; every acknowledgement, round trip and look at the socket corrects it.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Final

from pyrdpmux.graphics.link_estimate import DeliveryRate, LeastRoundTrip

MAX_UNDER_WAY: Final = 256
"""Frames that are remembered; of more the oldest count as arrived."""

MAX_HELD: Final = 3
"""Frames that a client is believed to keep unacknowledged until later ones come."""

UNKNOWN_ROUND_TRIP: Final = 0.05
UNKNOWN_ARRIVAL: Final = 0.5
"""Seconds, while nothing is known: of a round trip, and until a frame is expected to have arrived."""

CLIENT_SECONDS: Final = 0.05
"""Seconds of a round trip that may be the client's own work; what it takes longer is a queue."""

MIN_SLACK: Final = 0.03
"""Seconds, or a quarter of the round trip, that a frame may be later than expected."""

MIN_TRANSFER: Final = 0.02
"""Seconds, or half of the round trip, that a frame alone on the link must have taken longer than one to tell
of the bandwidth: less is jitter."""

RATE_WINDOW: Final = 0.5
"""Seconds, or six round trips, that a bandwidth counts once lower ones are measured."""

DRAIN_SECONDS: Final = 0.05
"""Seconds, or a round trip, over which the socket's drain is measured."""

MOST_SURPRISE: Final = 2.0
"""Times what is known, that is believed of a bandwidth that others have measured."""

NEAR: Final = 0.01
"""Seconds of a round trip, below which a link is not expected to be slow."""

MIN_INTERVAL: Final = 0.001
"""Seconds below which an interval says nothing."""


@dataclass(slots=True)
class FrameUnderWay:
    """Sent, and not yet arrived as far as we know."""

    frame_id: int
    size: int
    sent_at: float
    #: when the model says that its acknowledgement comes
    expected_at: float
    #: bytes that had arrived when it was sent, and when the last of them had
    delivered: int
    delivered_at: float
    #: nothing was under way when it was sent
    is_first: bool
    #: the link has been busy ever since the frame before it
    was_busy: bool
    #: when TCP was first seen to have brought it
    taken_at: float = math.inf


class LinkModel:
    """What the pacer knows of one viewer's link. ``now`` is in seconds and does not go back."""

    def __init__(self) -> None:
        self.rate = DeliveryRate()
        #: of auto-detect, and of frames: with the client's work
        self._network = LeastRoundTrip()
        self._acknowledgements = LeastRoundTrip()
        #: what comes of all three; None: they have learned something since
        self._reckoned: tuple[float | None] | None = None
        self._sent_bytes = 0
        self._knows_socket = False
        self.forget()

    def forget(self) -> None:
        """What is under way does not count any more."""
        self.frames: deque[FrameUnderWay] = deque()
        #: of ``frames``
        self.size = 0
        self._delivered = 0
        self._delivered_at = -math.inf
        #: when everything will have been transferred
        self.busy_until = -math.inf
        #: in our own socket, and what TCP has no acknowledgement for
        self.waiting = self.outstanding = 0
        #: frames that the client keeps unacknowledged until later ones come, as seen last
        self.held = 0
        #: the socket's drain is measured since: time, bytes arrived by then, and whether the link was busy
        self._drain: tuple[float, int, bool] | None = None

    def forget_acknowledgements(self) -> None:
        """The client has other work with frames than it had."""
        self._acknowledgements = LeastRoundTrip()
        self._reckoned = None

    # -- what is known -------------------------------------------------------------------------------

    @property
    def known_round_trip(self) -> float | None:
        """The least of late."""
        if self._reckoned is None:
            self._reckoned = (self._reckon_round_trip(),)
        return self._reckoned[0]

    def _reckon_round_trip(self) -> float | None:
        network, raw = self._network.seconds(), self._acknowledgements.seconds()
        if raw is None:
            return network
        rate = self.rate.bytes_per_second if self.rate.is_confirmed else None
        least = self._acknowledgements.seconds(rate) or 0.0
        if network is None:
            return least
        return min(max(least, min(network, raw)), network + CLIENT_SECONDS)

    @property
    def round_trip(self) -> float:
        known = self.known_round_trip
        return UNKNOWN_ROUND_TRIP if known is None else known

    @property
    def slack(self) -> float:
        """Seconds that a frame may be later than expected."""
        return max(MIN_SLACK, self.round_trip / 4)

    def queue(self, now: float) -> float:
        """Seconds that what is sent now would wait behind what is under way."""
        return max(self.busy_until - now, 0.0)

    def overdue(self, now: float) -> int:
        """How many frames should have been acknowledged by now."""
        late = now - self.slack
        return sum(frame.expected_at < late for frame in self.frames)

    @property
    def taken(self) -> int:
        """Frames that TCP says have arrived, and that the client has not acknowledged."""
        if not self.outstanding:
            return len(self.frames)
        behind = self.size
        for number, frame in enumerate(self.frames):
            behind -= frame.size
            if self.outstanding > behind:
                return number
        return len(self.frames)

    @property
    def is_on_the_way(self) -> bool:
        """TCP says that not even the oldest frame has arrived."""
        return bool(self.frames) and not self.taken

    # -- what happens --------------------------------------------------------------------------------

    def send(self, frame_id: int, size: int, now: float) -> FrameUnderWay:
        """A frame enters the link."""
        is_first = not self.frames or now >= self.frames[-1].expected_at
        frame = FrameUnderWay(
            frame_id,
            size,
            now,
            expected_at=0.0,
            # what only should have arrived may not count as arriving later
            delivered=self._delivered + (self.size if is_first else 0),
            delivered_at=now if is_first else self._delivered_at,
            is_first=is_first,
            was_busy=not is_first and self.busy_until > now,
        )
        if is_first:
            self._delivered_at = now
        self.frames.append(frame)
        self.size += size
        self._sent_bytes += size
        self.busy_until = self._transferred(frame, self.busy_until)
        if len(self.frames) > MAX_UNDER_WAY:
            self.retire()
        return frame

    def _transferred(self, frame: FrameUnderWay, free_at: float) -> float:
        """When it will have been transferred, on a link that is free at this time; its arrival follows."""
        done = max(free_at, frame.sent_at) + self.rate.seconds(frame.size)
        is_known = self.rate.bytes_per_second is not None
        frame.expected_at = done + self.round_trip if is_known else frame.sent_at + UNKNOWN_ARRIVAL
        return done

    def retire(self) -> FrameUnderWay:
        """The oldest has arrived, or does not count any more."""
        frame = self.frames.popleft()
        self.size -= frame.size
        self._delivered += frame.size
        return frame

    def retire_expected(self, now: float) -> None:
        """Those that should have arrived have, where nobody says."""
        while self.frames and self.frames[0].expected_at <= now:
            self.retire()

    def retire_until(self, last: FrameUnderWay) -> None:
        """All up to this one."""
        while self.retire() is not last:
            pass

    def arrived(self, frame: FrameUnderWay, now: float) -> None:
        """One that was retired has arrived, as an answer to it shows that comes now.

        Where the client keeps frames unacknowledged, a later one has brought the answer about; and it may
        have wherever the next one was sent only when the answer was due. It tells of a slow link if it is
        late for that one, too.
        """
        self._learn_held(frame, now)
        arrived = self.held if self.held else min(1, len(self.frames))
        cause = self.frames[arrived - 1] if arrived else frame
        is_late = now > cause.expected_at + self.slack
        is_ambiguous = bool(self.frames) and self.frames[0].sent_at >= frame.expected_at
        self._acknowledge(cause if self.held else frame, now)
        self._measure(frame, now, is_late=is_late)
        self._delivered_at = now
        self._correct(now, may_grow=is_late or not is_ambiguous)

    def _acknowledge(self, frame: FrameUnderWay, now: float) -> None:
        if self._acknowledgements.add(now - frame.sent_at, frame.size, now):
            self._reckoned = None

    def _learn_held(self, frame: FrameUnderWay, now: float) -> None:
        """QUIRK(mstsc): frames of H.264 are acknowledged when later ones have come."""
        if self._knows_socket:
            held = self._kept(frame.taken_at, now)
        else:
            held = min(self._kept_after_pause(frame) or self.held, len(self.frames))
        if held != self.held:
            self.held = held
            self.forget_acknowledgements()  # they mean something else now

    def _kept(self, taken_at: float, now: float) -> int:
        """Up to which frame there are, if that was sent long after TCP had brought the acknowledged one, and
        has just arrived itself. Otherwise 0."""
        trip = self._network.seconds() or self.round_trip
        for number, later in enumerate(islice(self.frames, MAX_HELD), 1):
            if later.sent_at > taken_at + self.slack:
                has_just_come = now - later.sent_at <= trip + self.rate.seconds(later.size) + self.slack / 2
                return number if has_just_come else 0
        return 0

    def _kept_after_pause(self, frame: FrameUnderWay) -> int:
        """The same where the socket says nothing: that was sent after a pause, in which an answer was due."""
        before = frame
        for number, later in enumerate(islice(self.frames, MAX_HELD), 1):
            if later.sent_at > frame.expected_at + self.slack:
                return number if later.sent_at - before.sent_at > self.round_trip + self.slack else 0
            before = later
        return 0

    def _measure(self, frame: FrameUnderWay, now: float, *, is_late: bool) -> None:
        """A sample of the bandwidth: what has arrived since the frame was sent, and how long that took."""
        seconds = now - frame.delivered_at
        was_busy = frame.was_busy or is_late
        if frame.is_first:
            network = self._network.seconds()
            transfer = seconds - (self.round_trip if network is None else network)
            was_busy = is_late
            if transfer > max(MIN_TRANSFER, self.round_trip / 2):
                seconds = transfer
        if seconds >= MIN_INTERVAL:
            self._add_rate((self._delivered - frame.delivered) / seconds, now, was_busy=was_busy)

    def _add_rate(self, rate: float, now: float, *, was_busy: bool) -> None:
        if rate > 0:
            known = self.rate.bytes_per_second, self.rate.is_confirmed
            self.rate.add(rate, now, max(RATE_WINDOW, 6 * self.round_trip), was_busy=was_busy)
            if known != (self.rate.bytes_per_second, self.rate.is_confirmed):
                self._reckoned = None

    def _correct(self, now: float, *, may_grow: bool) -> None:
        """The link was done with what has arrived half a round trip ago, and has had the rest since."""
        under_way = list(self.frames)[self.held :]
        before = [frame.expected_at for frame in under_way]
        free_at = now - self.round_trip
        for frame in under_way:
            free_at = self._transferred(frame, free_at)
        if may_grow or free_at <= self.busy_until:
            self.busy_until = free_at
        else:
            for frame, expected_at in zip(under_way, before, strict=True):
                frame.expected_at = expected_at

    def round_trip_measured(self, seconds: float, now: float) -> FrameUnderWay | None:
        """By an answer that comes now; the last frame that was sent before what it answers."""
        asked_at = now - seconds
        last = next((frame for frame in reversed(self.frames) if frame.sent_at <= asked_at), None)
        behind = last.size if last is not None and asked_at - last.sent_at < MIN_SLACK else 0
        self._network.add(seconds, behind, now)
        self._reckoned = None
        return last

    def bandwidth_measured(self, bytes_per_second: float, now: float) -> None:
        """From outside: at least so much, as our output may have had gaps.

        A client that was busy with something else has found it all in its kernel, and tells of that: of more
        than twice what frames have shown, nothing is believed.
        """
        known = self.rate.bytes_per_second
        if known is None:
            self.rate.is_confirmed = True
            self._reckoned = None
        elif self.rate.is_confirmed:
            bytes_per_second = min(bytes_per_second, MOST_SURPRISE * known)
        self._add_rate(bytes_per_second, now, was_busy=False)

    def delivered(self, bytes_per_second: float, now: float) -> None:
        """TCP says that so much has arrived in the peer's kernel.

        A client that works long at a small frame looks like a slow link. Where it is near, it is that kernel
        that it answers from; behind a longer way there may be a tunnel, whose near end answers for it.
        """
        trip = self._network.seconds()
        if trip is not None and trip < NEAR:
            self._add_rate(bytes_per_second, now, was_busy=False)

    def looked(self, waiting: int, in_flight: int | None, now: float, *, acknowledges: bool) -> None:
        """So much waits in our socket; and so much has left it that TCP has no acknowledgement for.

        Unless the client ``acknowledges`` frames, what TCP has acknowledged has arrived: nothing else says.
        """
        self.waiting = waiting
        self.outstanding = waiting + (in_flight or 0)
        least = now + self.rate.seconds(waiting)
        if in_flight is None:
            self.busy_until = max(self.busy_until, least)
            return
        self._knows_socket = True
        for frame in islice(self.frames, self.taken):
            frame.taken_at = min(frame.taken_at, now)
        transfer = self.rate.seconds(self.outstanding)
        if not (acknowledges and self.rate.is_confirmed):
            self._measure_drain(self.outstanding, now)
        if acknowledges:
            if self.taken <= max(self.held, 1):  # otherwise the client has work with them, too
                trip = self._network.seconds() or 0.0
                self.busy_until = min(self.busy_until, now + max(transfer - trip, 0.0))
            self.busy_until = max(self.busy_until, least, now + transfer - self.round_trip)
            return
        last = None
        for _ in range(self.taken):
            last = self.retire()
        if last is not None:
            self._acknowledge(last, now)
        self.busy_until = now + max(transfer - self.round_trip, 0.0)

    def _measure_drain(self, outstanding: int, now: float) -> None:
        """The link is busy while there is more under way than fits into a round trip."""
        arrived = self._sent_bytes - outstanding
        is_busy = self.rate.seconds(outstanding) > self.round_trip
        if outstanding == 0:
            self._drain = None
            return
        if self._drain is None:
            self._drain = (now, arrived, False)
            return
        began, before, was_busy = self._drain
        if now - began < max(DRAIN_SECONDS, self.round_trip):
            self._drain = (began, before, was_busy and is_busy)
            return
        self._add_rate((arrived - before) / (now - began), now, was_busy=was_busy and is_busy)
        self._drain = (now, arrived, is_busy)
