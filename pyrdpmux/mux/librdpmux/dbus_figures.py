"""How a VM's picture comes to its viewers, as D-Bus properties: without who they are.

Whoever may use the bus can read properties: who looks at a VM, and from where, is not for everybody.
"""

from typing import Final

from dbus_fast import Variant

from pyrdpmux.mux.figures import ViewerFigures, VmFigures

UNKNOWN: Final = -1.0
"""For a time or rate that nobody knows: the bus has no null."""


def picture_figures(figures: VmFigures) -> dict[str, float]:
    """Signature a{sd}: what pictures of this VM have cost so far; seconds, bytes."""
    work = figures.work
    found = {
        "frames": float(work.frames),
        "bytes": float(work.bytes),
        "seconds": work.seconds,
        "thread-seconds": figures.thread_seconds,
        "loop-seconds": figures.loop_seconds,
    }
    return found | {f"{name}-seconds": step.seconds for name, step in work.steps.items()}


def viewer_figures(viewer: ViewerFigures) -> dict[str, Variant]:
    """Signature a{sv}; seconds, and bits or frames a second."""
    link = viewer.link
    return {
        "way": Variant("s", viewer.way or ""),
        "version": Variant("s", viewer.version or ""),
        "codecs": Variant("as", list(viewer.codecs)),
        "is-minimized": Variant("b", viewer.is_minimized),
        "frames-per-second": Variant("d", link.frames_per_second),
        "bits-per-second": Variant("d", link.sent_bits_per_second),
        "link-bits-per-second": Variant("d", _known(link.bits_per_second)),
        "round-trip": Variant("d", _known(link.round_trip)),
        "queue": Variant("d", link.queue),
        "lag": Variant("d", link.lag),
    }


def _known(value: float | None) -> float:
    return UNKNOWN if value is None else value
