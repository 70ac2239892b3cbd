"""The bytes that an envelope carries: they know where in their frame they were, so that errors can say it."""

from typing import Self


class Payload(bytes):
    """Bytes that were read as one field, for another structure to be read from; ``offset`` is their place.

    A :class:`~pyrdpmux.wire.reader.Reader` over a Payload counts on from there, whatever envelopes are
    around it. In everything else it is bytes; a slice of it, or what was decrypted or decompressed to
    another size, is plain bytes, and a frame of its own.
    """

    offset: int = 0

    @classmethod
    def at(cls, offset: int, data: bytes) -> Self:
        # Without a __new__ of its own, which would cost every frame half a microsecond per envelope.
        self = cls(data)
        self.offset = offset
        return self


def frame_offset(data: bytes, alone: int = 0) -> int:
    """Where ``data`` begins in its frame; ``alone`` if it never was part of one."""
    return data.offset if isinstance(data, Payload) else alone
