"""What a pacer is: it decides when a viewer gets its next frame. :mod:`pyrdpmux.graphics.pacer` has ours.

Its owner, when there is a change to be sent, then at the time it is told, or after an acknowledgement::

    unsent, in_flight = peer.outstanding_bytes
    pacing.unsent(unsent, now, in_flight)
    if (at := pacing.ready_at(now)) <= now:
        size = send_frame(frame_id)
        pacing.sent(frame_id, size, now)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PacerFigures:
    """What people are shown. Seconds, and bits or frames a second of the last two."""

    #: the least of late: what is left when nothing waits; None: unknown
    round_trip: float | None
    #: how long what is sent now would wait behind what is under way
    queue: float
    lag: float
    #: what the link delivers; None: unknown
    bits_per_second: float | None
    frames_in_flight: int
    frames_per_second: float
    sent_bits_per_second: float
    #: as the client said it last, at most what is under way
    client_queue_bytes: int
    is_acknowledging: bool


class Pacing(Protocol):
    """Paces one viewer. Nothing in it knows sockets, clocks or encoders.

    ``now`` is in seconds on any clock that does not go back. The owner tells what happens as it happens, and
    :meth:`unsent` each time before it asks :meth:`ready_at`.
    """

    def sent(self, frame_id: int, size: int, now: float, *, is_refinement: bool = False) -> None:
        """A frame of ``size`` bytes was handed to the socket. A refinement is no change of the picture."""

    def acknowledged(self, frame_id: int, queue_depth: int, now: float) -> None:
        """The client has this frame, and so all before it. Of one that is not under way nothing comes.

        ``queue_depth`` as in MS-RDPEGFX 2.2.2.13 (0xFFFFFFFF suspends); for a frame marker 0.
        """

    def round_trip(self, seconds: float, now: float) -> None:
        """Auto-detect has measured a round trip, whose answer came now: behind all that was sent before."""

    def bandwidth(self, bits_per_second: float, now: float) -> None:
        """Auto-detect has measured that the link delivers at least so much."""

    def delivered(self, bytes_per_second: float, now: float) -> None:
        """TCP says that so much of what was sent arrives: at the near end of a tunnel, perhaps."""

    def unsent(self, size: int, now: float, in_flight: int | None = None) -> None:
        """Bytes that wait in our socket; ``in_flight``: those that have left it and TCP still waits for."""

    def suspend(self, now: float) -> None:
        """Acknowledgements do not come until further notice: none is waited for, nor counted."""

    def resume(self, now: float) -> None:
        """Acknowledgements come (again), for frames that are sent from now on."""

    def start_over(
        self, now: float, *, acknowledges: bool | None = None, frames_per_second: float | None = None
    ) -> None:
        """What was under way does not count any more: another channel, a reset. The link is the same.

        ``acknowledges``: whether the client is expected to, by the new way; None: as before, like the rate.
        """

    def ready_at(self, now: float) -> float:
        """When the next frame may be sent: at once if that is not after ``now``.

        Otherwise ask again then, or when something was acknowledged or drained: it may have become earlier.
        """
        ...

    def budget(self, now: float) -> int:
        """Bytes of refinement that the link takes before the next change is due."""
        ...

    def room(self, now: float, seconds: float = 0.0) -> int:
        """Bytes that a frame may have, so that one that is due right after it is not late.

        ``seconds``: that the next one takes at least until it can be sent.
        """
        ...

    def is_slow(self, tcp_round_trip: float | None = None) -> bool:
        """The link takes so little that bytes are worth more than the time to save them.

        ``tcp_round_trip``: in seconds, for as long as nothing better is known.
        """
        ...

    def lag(self, now: float) -> float:
        """Seconds that the client is behind: how long what it does not have is under way, trip aside."""
        ...

    def figures(self, now: float) -> PacerFigures:
        """A snapshot."""
        ...
