"""A structure on the wire: what a Reader reads and a Writer writes, and a whole buffer of it."""

from typing import Protocol, TypeVar

from pyrdpmux.wire.reader import Readable, Reader
from pyrdpmux.wire.writer import Writable, Writer


class Structure(Readable, Writable, Protocol):
    """A value type with ``read`` and ``write``, side by side and in wire order."""


S = TypeVar("S", bound=Structure)


def decode(cls: type[S], data: bytes) -> S:
    """One structure from the whole of ``data``. Raises DecodeError, nothing else."""
    r = Reader(data, cls.__name__)
    value = cls.read(r)
    r.finish("")
    return value


def encode(value: Writable) -> bytes:
    """The bytes of one structure. Raises EncodeError if a value does not fit its field."""
    w = Writer(type(value).__name__)
    value.write(w)
    return w.getvalue()
