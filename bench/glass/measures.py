"""What is made of the raw figures of one measurement."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

IDENTICAL: Final = 99.0
"""The PSNR of pictures without a difference."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What was measured: this server with this workload and this kind of client."""

    server: str
    workload: str
    mode: str

    def __str__(self) -> str:
        return f"{self.server}, {self.workload}, {self.mode}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Delays in milliseconds, traffic in bytes, CPU in seconds from the first frame to the last."""

    #: drawn by the guest
    frames: int
    #: of these, how many were seen in the client's window
    seen: int
    #: distinct frames that were seen per second
    fps: float
    #: None if nothing was seen
    p50: float | None
    p95: float | None
    #: the 95th percentile of all frames: until one of them, or a later one, was seen
    behind: float
    #: milliseconds from the client's start until it showed frame 0
    first_picture: float
    #: sent until the first frame: the first picture, and what made it better
    sent_before: int
    #: sent from the first frame to the last
    sent: int
    #: sent in the two seconds after that
    sent_after: int
    #: sent in one more second, in which nothing changes
    sent_still: int
    server_cpu: float
    display_cpu: float
    client_cpu: float
    presenter_cpu: float
    #: bytes resident after the last frame
    server_memory: int
    #: of the client's whole screen, two seconds after the last frame
    psnr: float

    @property
    def megabytes(self) -> float:
        """Sent from the connection to the last frame."""
        return (self.sent_before + self.sent) / 1e6

    @property
    def megabytes_after(self) -> float:
        return self.sent_after / 1e6

    @property
    def cpu_per_frame(self) -> float:
        """Of the server, in seconds: who shows fewer frames is not cheaper for that."""
        return self.server_cpu / max(1, self.seen)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there are no figures."""

    reason: str
    is_skipped: bool = False


Outcome = Result | Failure


def delays(presented: Sequence[float], seen: Mapping[int, float]) -> NDArray[np.float64]:
    """Milliseconds of each frame that was seen; ``presented`` begins with frame 1, times are seconds."""
    found = [
        1000 * (seen[number] - drawn) for number, drawn in enumerate(presented, start=1) if number in seen
    ]
    return np.array(found, np.float64)


def lags(presented: Sequence[float], seen: Mapping[int, float], end: float) -> NDArray[np.float64]:
    """Milliseconds until each frame or a later one was seen, also of those that were left out; those that
    never came count until ``end``."""
    found: list[float] = []
    at = end
    for number in range(len(presented), 0, -1):
        at = min(at, seen.get(number, end))
        found.append(1000 * max(at - presented[number - 1], 0.0))
    return np.array(found[::-1], np.float64)


def percentile(values: NDArray[np.float64], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if values.size else None


def psnr(picture: NDArray[np.uint8], expected: NDArray[np.uint8]) -> float:
    """In dB over blue, green and red of two (height, width, 4) BGRX pictures; 99 if nothing differs, 0 for
    another size.
    """
    if picture.shape != expected.shape:
        return 0.0
    difference = picture[..., :3].astype(np.int32) - expected[..., :3]
    error = float(np.mean(np.square(difference)))
    return IDENTICAL if error == 0 else min(IDENTICAL, float(10 * np.log10(255**2 / error)))
