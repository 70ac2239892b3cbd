"""Two streams become one.

Whatever a frame refers to lies in the messages since the stream's last epoch; so clients that show the same
picture, and have the same surfaces, can follow one stream from the beginning of an epoch on.
"""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.graphics.surface import Surface

Output = TypeVar("Output")


@dataclass(slots=True)
class JoiningFrames(Generic[Output]):
    """The last frames of two streams, each for its own clients."""

    of_host: list[Frame[Output]] = field(default_factory=list)
    of_guest: list[Frame[Output]] = field(default_factory=list)


def join(host: Stream[Output], guest: Stream[Output], now: float) -> JoiningFrames[Output]:
    """Bring the clients of ``guest`` to where those of ``host`` are: afterwards, all can follow ``host``.

    Both have the same size, and targets of the same kind.
    """
    frames: JoiningFrames[Output] = JoiningFrames()
    for stream, own in ((host, frames.of_host), (guest, frames.of_guest)):
        ended = stream.end_epoch()
        if ended is not None:
            own.append(ended)
    shown = Surface(host.width, host.height)
    shown.words[...] = host.planner.main.words
    shown.touch([shown.rect])
    caught_up = guest.catch_up(shown, now)
    if caught_up is not None:
        frames.of_guest.append(caught_up)
    adapted = guest.adapt(host)
    if adapted is not None:
        frames.of_guest.append(adapted)
    host.planner.main.accept_marks(guest.planner.main)
    host.begin_epoch(after=guest)
    return frames
