"""How the protocol is read: generators that yield what they need or what they found.

RFB has no frames. How long a message is turns out while it is read, down to single tiles, so that a parser
over complete buffers would have to start over again and again. A step yields a number of bytes, and is sent
exactly those; or it yields an event for the owner of the connection, and is sent nothing.

What is done between two yields is bounded: about a millisecond. Where nothing has to be read for so long,
:data:`PAUSE` is yielded, which asks for no bytes and only lets others have their turn.
"""

from collections.abc import Generator
from typing import ClassVar, Final, Protocol, Self, TypeAlias, TypeVar

from pyrdpmux.errors import DecodeError
from pyrdpmux.rfb.events import Event
from pyrdpmux.rfb.limits import CHUNK
from pyrdpmux.rfb.server_messages import Number
from pyrdpmux.wire import Reader, Writer, decode

T = TypeVar("T")
Step: TypeAlias = Generator[int | Event, bytes, T]

PAUSE: Final = 0
"""So many bytes are always there."""


class Lent(int):
    """A number of bytes that are only looked at before the next step: a memoryview is sent, not a copy."""


class FixedSize(Protocol):
    """A structure that says how long it is."""

    SIZE: ClassVar[int]

    @classmethod
    def read(cls, r: Reader) -> Self: ...

    def write(self, w: Writer) -> None: ...


F = TypeVar("F", bound=FixedSize)


def take(cls: type[F]) -> Step[F]:
    """The next structure."""
    return decode(cls, (yield cls.SIZE))


def take_u8() -> Step[int]:
    """The next byte."""
    return (yield 1)[0]


def take_u32() -> Step[int]:
    """The next four bytes."""
    number = yield from take(Number)
    return number.value


def take_text(length: int, maximum: int) -> Step[str]:
    """A text of that length; what is too much of it is thrown away."""
    data = yield min(length, maximum)
    yield from skip(length - len(data))
    return data.decode("utf-8", "replace")


def skip(size: int) -> Step[None]:
    """Throw away that many bytes without ever holding them all."""
    while size > 0:
        size -= len((yield min(size, CHUNK)))


def wrong(path: str, reason: str) -> DecodeError:
    """The error for what only a look at several fields shows; offsets mean nothing in a stream."""
    return DecodeError(path, reason, 0)
