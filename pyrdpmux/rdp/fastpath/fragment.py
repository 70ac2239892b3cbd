"""Fragmentation: updates cut to what a client takes, small updates packed together, and the way back.

A client without the Multifragment Update capability (MS-RDPBCGR 2.2.7.2.6), such as RDP 5 ones and rdesktop,
takes whole updates only, and none bigger than one PDU. Others name the size of their reassembly buffer.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from pyrdpmux.errors import DecodeError, EncodeError, LimitExceeded, SequenceError
from pyrdpmux.rdp.fastpath.header import FIPS_INFORMATION_SIZE, MAX_SENT_SIZE, SIGNATURE_SIZE
from pyrdpmux.rdp.fastpath.update import UPDATE_HEADER_SIZE, FastPathUpdate, Fragmentation, UpdateCode
from pyrdpmux.wire import frame_offset

#: Header byte, long length, and what encryption may add: FIPS information, signature, padding to eight.
PDU_OVERHEAD: Final = 3 + FIPS_INFORMATION_SIZE + SIGNATURE_SIZE + 7
#: From an update's compressionFlags, behind which is its size, to its data.
FLAGS_TO_DATA: Final = 3
#: What fits the body of one PDU, whatever the encryption.
MAX_BODY_SIZE: Final = MAX_SENT_SIZE - PDU_OVERHEAD
#: What fits one update in it; the header's fourth byte is for compression flags.
MAX_FRAGMENT_SIZE: Final = MAX_BODY_SIZE - UPDATE_HEADER_SIZE - 1


def max_update_size(max_request_size: int | None) -> int:
    """The most data one update may have, by the client's MaxRequestSize (None: capability not sent).

    An update that fits one PDU is always allowed: it needs no reassembly buffer.
    """
    return max(MAX_FRAGMENT_SIZE, max_request_size or 0)


def fragment(update: FastPathUpdate, max_request_size: int | None = None) -> tuple[FastPathUpdate, ...]:
    """``update`` itself where it fits one PDU, else its FIRST, NEXT and LAST fragments in order."""
    size = len(update.data)
    if size <= MAX_FRAGMENT_SIZE:
        return (update,)
    if size > max_update_size(max_request_size):
        allowed = max_update_size(max_request_size)
        raise EncodeError("FastPathUpdate.updateData", f"{size} bytes, the client takes at most {allowed}")
    if update.fragmentation is not Fragmentation.SINGLE or update.is_compressed:
        # Compression is by fragment: each is compressed after the cut, with the history of those before.
        raise EncodeError("FastPathUpdate.updateHeader", "only a whole, plain update can be cut")
    return tuple(
        [
            FastPathUpdate(update.update_code, update.data[at : at + MAX_FRAGMENT_SIZE], _position(at, size))
            for at in range(0, size, MAX_FRAGMENT_SIZE)
        ]
    )


def _position(at: int, size: int) -> Fragmentation:
    if at == 0:
        return Fragmentation.FIRST
    return Fragmentation.LAST if at + MAX_FRAGMENT_SIZE >= size else Fragmentation.NEXT


def pack(
    updates: Iterable[FastPathUpdate], max_size: int = MAX_BODY_SIZE
) -> Iterator[tuple[FastPathUpdate, ...]]:
    """``updates`` in order, as many together as fit the body of one PDU.

    QUIRK(rdesktop 1.9): it takes the compressionFlags of an update for those of the next ones, too, if these
    have none; but not beyond a PDU.
    """
    group: list[FastPathUpdate] = []
    group_size = 0
    for update in updates:
        is_other = bool(group) and group[-1].is_compressed and update.compression_flags is None
        if group and (is_other or group_size + update.size > max_size):
            yield tuple(group)
            group, group_size = [], 0
        group.append(update)
        group_size += update.size
    if group:
        yield tuple(group)


class Reassembler:
    """The client's side: whole updates from fragments, within the size it announced as MaxRequestSize.

    Fragments of one update follow each other without another update between them (FreeRDP and Windows
    clients insist on that too).
    """

    def __init__(self, max_request_size: int) -> None:
        self._max_size = max_request_size
        self._code: UpdateCode | None = None
        #: together: each object for itself is some hundred bytes more than a fragment need have
        self._received = bytearray()

    def __repr__(self) -> str:
        state = "idle" if self._code is None else f"{self._code.name} {len(self._received)} bytes"
        return f"<{type(self).__name__} {state}>"

    def feed(self, update: FastPathUpdate) -> FastPathUpdate | None:
        """The whole update that ``update`` is or completes, None while fragments are missing."""
        if update.fragmentation is Fragmentation.SINGLE:
            self._expect_idle(update)
            return update
        if update.is_compressed:
            at = frame_offset(update.data, FLAGS_TO_DATA) - FLAGS_TO_DATA
            raise DecodeError("FastPathUpdate.compressionFlags", "a compressed fragment", at)
        if update.fragmentation is Fragmentation.FIRST:
            self._expect_idle(update)
            self._code = update.update_code
        elif self._code is None:
            raise SequenceError(repr(self), update.fragmentation.name, ("SINGLE", "FIRST"))
        elif self._code != update.update_code:
            raise SequenceError(repr(self), f"a fragment of {update.update_code.name}", (self._code.name,))
        self._append(update.data)
        if update.fragmentation is not Fragmentation.LAST:
            return None
        whole = FastPathUpdate(update.update_code, bytes(self._received))
        self._reset()
        return whole

    def _expect_idle(self, update: FastPathUpdate) -> None:
        if self._code is not None:
            raise SequenceError(repr(self), update.fragmentation.name, ("NEXT", "LAST"))

    def _append(self, data: bytes) -> None:
        size = len(self._received) + len(data)
        if size > self._max_size:
            raise LimitExceeded("MaxRequestSize", size, self._max_size)
        self._received += data

    def _reset(self) -> None:
        self._code = None
        self._received = bytearray()
