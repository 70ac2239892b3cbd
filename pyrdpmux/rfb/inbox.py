"""Bytes that have come from the server and are not decoded yet."""

from typing import Final

CAPACITY: Final = 1 << 14
"""Bytes of memory to begin with; it grows to what is waited for."""


class Inbox:
    """A queue of bytes in one piece of memory: read into at its end, taken from its front."""

    def __init__(self) -> None:
        self._memory = bytearray(CAPACITY)
        self._view = memoryview(self._memory)
        self._start = self._end = 0

    def __len__(self) -> int:
        return self._end - self._start

    def room(self, size: int) -> memoryview:
        """Where so many bytes can be put, of which :meth:`filled` then says how many have been.

        What :meth:`lend` has lent until now is overwritten.
        """
        length = len(self)
        if length + size > len(self._memory):
            self._move(bytearray(max(length + size, 2 * len(self._memory))))
        elif not length or self._end + size > len(self._memory):
            self._move(self._memory)
        return self._view[self._end : self._end + size]

    def _move(self, memory: bytearray) -> None:
        """What is left to the front of this memory, which may be our own."""
        length = len(self)
        memory[:length] = bytes(self._view[self._start : self._end])
        self._memory, self._view = memory, memoryview(memory)
        self._start, self._end = 0, length

    def filled(self, size: int) -> None:
        """So many bytes were put where there is room."""
        self._end += size

    def append(self, data: bytes) -> None:
        self.room(len(data))[:] = data
        self.filled(len(data))

    def lend(self, size: int) -> memoryview:
        """The first bytes, which must be there, until the next :meth:`room`."""
        lent = self._view[self._start : self._start + size]
        self._start += size
        return lent

    def take(self, size: int) -> bytes:
        """The first bytes, which must be there, for good."""
        return bytes(self.lend(size))

    def clear(self) -> bytes:
        """All bytes."""
        return self.take(len(self))

    def shrink(self) -> None:
        """Give memory back that nothing lies in."""
        if not len(self) and len(self._memory) > CAPACITY:
            self._move(bytearray(CAPACITY))
