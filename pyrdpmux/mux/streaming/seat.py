"""A viewer as its stream sees it."""

from collections.abc import Hashable
from typing import Any, Protocol

from pyrdpmux.graphics.stream import Frame


class Seat(Hashable, Protocol):
    """Where one viewer's frames go."""

    def ready_at(self, now: float) -> float | None:
        """When its next frame may be sent; None: not before it has told the stream to look again."""

    def lag(self, now: float) -> float:
        """Seconds that its client is behind, trip aside."""

    @property
    def backlog(self) -> int:
        """Bytes for it that wait on our side."""

    def keeps_up(self, now: float) -> bool:
        """It has been up to date for a while, so that it could share a stream."""

    def fine_pixels(self, now: float) -> int:
        """Of what is only made better, how much its link takes without delaying anything."""

    def room(self, now: float, seconds: float = 0.0) -> int:
        """Bytes of a frame that its link takes before another one may be due: not within ``seconds``."""

    def send_at_once(self, frame: Frame[Any]) -> bool:
        """A frame of the stream, if nothing has to be waited for; False: it is to be sent by :meth:`send`."""

    async def send(self, frame: Frame[Any]) -> None:
        """A frame of the stream, in turns of the viewer's share of the loop. Never raises."""

    def failed(self, error: Exception) -> None:
        """There will be no more frames: a mistake of ours."""
