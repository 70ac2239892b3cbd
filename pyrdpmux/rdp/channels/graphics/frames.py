"""Frames: what belongs together is shown together, and acknowledged."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.rdp.channels.graphics.header import GraphicsCommand, layout, read_fixed, reading
from pyrdpmux.wire import Reader, Writer

#: queueDepth of MS-RDPEGFX 2.2.2.13: not known
QUEUE_DEPTH_UNAVAILABLE: Final = 0x00000000
#: the same: no further frame is acknowledged
SUSPEND_FRAME_ACKNOWLEDGEMENT: Final = 0xFFFFFFFF

_START: Final = layout(timestamp="u32", frameId="u32")
_END: Final = layout(frameId="u32")
_ACKNOWLEDGE: Final = layout(queueDepth="u32", frameId="u32", totalFramesDecoded="u32")
_QOE: Final = layout(frameId="u32", timestamp="u32", timeDiffSE="u16", timeDiffEDR="u16")


def frame_timestamp(seconds: float) -> int:
    """The timestamp of a Start Frame for this time of day in UTC; ``seconds`` since any midnight, above 0."""
    milliseconds = int(seconds * 1000) % 86_400_000
    rest, millisecond = divmod(milliseconds, 1000)
    rest, second = divmod(rest, 60)
    hour, minute = divmod(rest, 60)
    return millisecond | second << 10 | minute << 16 | hour << 22


@dataclass(frozen=True, slots=True)
class StartFrame:
    """MS-RDPEGFX 2.2.2.11 RDPGFX_START_FRAME_PDU; ``timestamp`` as of :func:`frame_timestamp`, or 0."""

    frame_id: int
    timestamp: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.START_FRAME):
            timestamp = r.u32_le("timestamp")
            return cls(r.u32_le("frameId"), timestamp)

    def write(self, w: Writer) -> None:
        w.block(_START, GraphicsCommand.START_FRAME, 0, _START.size, self.timestamp, self.frame_id)


@dataclass(frozen=True, slots=True)
class EndFrame:
    """MS-RDPEGFX 2.2.2.12 RDPGFX_END_FRAME_PDU."""

    frame_id: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.END_FRAME):
            return cls(r.u32_le("frameId"))

    def write(self, w: Writer) -> None:
        w.block(_END, GraphicsCommand.END_FRAME, 0, _END.size, self.frame_id)


@dataclass(frozen=True, slots=True)
class FrameAcknowledge:
    """MS-RDPEGFX 2.2.2.13 RDPGFX_FRAME_ACKNOWLEDGE_PDU, from the client, once a frame is decoded.

    ``queue_depth``: bytes that wait to be decoded, QUEUE_DEPTH_UNAVAILABLE or SUSPEND_FRAME_ACKNOWLEDGEMENT.
    """

    frame_id: int
    queue_depth: int
    total_frames_decoded: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        queue_depth, frame_id, total = read_fixed(r, GraphicsCommand.FRAME_ACKNOWLEDGE, _ACKNOWLEDGE)
        return cls(frame_id, queue_depth, total)

    def write(self, w: Writer) -> None:
        w.block(
            _ACKNOWLEDGE,
            GraphicsCommand.FRAME_ACKNOWLEDGE,
            0,
            _ACKNOWLEDGE.size,
            self.queue_depth,
            self.frame_id,
            self.total_frames_decoded,
        )


@dataclass(frozen=True, slots=True)
class QoeFrameAcknowledge:
    """MS-RDPEGFX 2.2.2.21 RDPGFX_QOE_FRAME_ACKNOWLEDGE_PDU, from the client: times in milliseconds.

    ``timestamp``: when the client began with the frame, on a clock of its own; ``time_diff_se``: from then to
    the frame's end; ``time_diff_edr``: from the end until it was shown.
    """

    frame_id: int
    timestamp: int
    time_diff_se: int
    time_diff_edr: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(*read_fixed(r, GraphicsCommand.QOE_FRAME_ACKNOWLEDGE, _QOE))

    def write(self, w: Writer) -> None:
        w.block(
            _QOE,
            GraphicsCommand.QOE_FRAME_ACKNOWLEDGE,
            0,
            _QOE.size,
            self.frame_id,
            self.timestamp,
            self.time_diff_se,
            self.time_diff_edr,
        )
