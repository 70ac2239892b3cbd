"""What two snapshots of a daemon say about the time between them: the figures of `pyrdpmux top`.

Snapshots are those of the control socket; ``docs/figures.md`` says what is in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pyrdpmux.errors import MuxError

Snapshot: TypeAlias = Mapping[str, Any]

LATE: Final = 0.1
"""Seconds that a viewer is behind, or would wait, from which on people feel it."""


@dataclass(frozen=True, slots=True)
class StepRates:
    """One step in the making of frames."""

    ms_per_frame: float
    per_second: float
    kbits_per_second: float
    pixels_per_second: float


@dataclass(frozen=True, slots=True)
class ViewerRates:
    """One viewer. None: not known (yet)."""

    user: str
    address: str
    #: EGFX, surface or bitmaps; None while it is sent no pictures
    way: str | None
    version: str | None
    codecs: tuple[str, ...]
    is_active: bool
    is_minimized: bool
    frames_per_second: float
    #: on the wire
    kbits_per_second: float
    round_trip_ms: float | None
    queue_ms: float
    lag_ms: float
    #: of a processor: its share of the event loop
    cpu_percent: float | None

    @property
    def is_late(self) -> bool:
        return max(self.queue_ms, self.lag_ms) >= 1000 * LATE


@dataclass(frozen=True, slots=True)
class VmRates:
    """One VM, its viewers included."""

    name: str
    status: str
    width: int
    height: int
    streams: int
    #: of the viewer that gets most
    frames_per_second: float
    #: by all streams: computed once for all viewers of each
    frames_made_per_second: float | None
    kbits_per_second: float
    #: in a thread, from looking at what has changed until there is a frame
    ms_per_frame: float | None
    #: of a processor: in the event loop, viewers included, and in threads
    cpu_percent: float | None
    loop_percent: float | None
    thread_percent: float | None
    steps: Mapping[str, StepRates]
    viewers: tuple[ViewerRates, ...]


@dataclass(frozen=True, slots=True)
class Rates:
    """The whole daemon; ``seconds`` are those between the two snapshots, 0 if there is only one."""

    seconds: float
    #: of a processor: of the process, of its event loop, and of its threads for pictures
    cpu_percent: float | None
    loop_percent: float | None
    thread_percent: float | None
    threads: int
    #: those that cost most first
    vms: tuple[VmRates, ...]


def rates_between(before: Snapshot | None, after: Snapshot) -> Rates:
    """None: there is no earlier one. Raises MuxError if the daemon does not tell what is needed."""
    try:
        return _rates(before, after)
    except (KeyError, TypeError) as error:
        raise MuxError(f"the daemon does not tell {error}: it is of another version") from error


def _rates(before: Snapshot | None, after: Snapshot) -> Rates:
    seconds = after["time"] - before["time"] if before is not None else 0.0
    is_same = before is not None and seconds > 0
    earlier = {vm["name"]: vm for vm in before["vms"]} if before is not None and is_same else {}
    old = before if is_same else None
    clock = _Clock(seconds if is_same else 0.0)
    vms = [_vm_rates(earlier.get(vm["name"]), vm, clock) for vm in after["vms"]]
    return Rates(
        seconds=clock.seconds,
        cpu_percent=clock.percent(_at(old, "process_seconds"), after["process_seconds"]),
        loop_percent=clock.percent(_loop_seconds(old), _loop_seconds(after)),
        thread_percent=clock.percent(old["threads"]["seconds"] if old else 0, after["threads"]["seconds"]),
        threads=after["threads"]["count"],
        vms=tuple(sorted(vms, key=lambda vm: (-(vm.cpu_percent or 0.0), vm.name))),
    )


@dataclass(frozen=True, slots=True)
class _Clock:
    """Differences to rates; None for everything while there are no two snapshots."""

    seconds: float

    def per_second(self, before: float, after: float) -> float | None:
        return _grown(before, after) / self.seconds if self.seconds else None

    def percent(self, before: float, after: float) -> float | None:
        rate = self.per_second(before, after)
        return 100 * rate if rate is not None else None


def _vm_rates(before: Snapshot | None, after: Snapshot, clock: _Clock) -> VmRates:
    earlier = {viewer["address"]: viewer for viewer in before["viewers"]} if before is not None else {}
    viewers = [_viewer_rates(earlier.get(each["address"]), each, clock) for each in after["viewers"]]
    old, new = _work(before), _work(after)
    frames = _grown(old.frames, new.frames) if clock.seconds else 0.0
    own_loop = clock.percent(_at(before, "loop_seconds"), after["loop_seconds"])
    loop = own_loop + sum(viewer.cpu_percent or 0.0 for viewer in viewers) if own_loop is not None else None
    threads = clock.percent(_at(before, "thread_seconds"), after["thread_seconds"])
    return VmRates(
        name=after["name"],
        status=after["status"],
        width=after["width"],
        height=after["height"],
        streams=len(after["streams"]),
        frames_per_second=max([viewer.frames_per_second for viewer in viewers], default=0.0),
        frames_made_per_second=clock.per_second(old.frames, new.frames),
        kbits_per_second=sum([viewer.kbits_per_second for viewer in viewers], 0.0),
        ms_per_frame=1000 * _grown(old.seconds, new.seconds) / frames if frames else None,
        cpu_percent=loop + threads if loop is not None and threads is not None else None,
        loop_percent=loop,
        thread_percent=threads,
        steps=_step_rates(old, new, clock) if frames else {},
        viewers=tuple(sorted(viewers, key=lambda viewer: (-(viewer.cpu_percent or 0.0), viewer.user))),
    )


def _viewer_rates(before: Snapshot | None, after: Snapshot, clock: _Clock) -> ViewerRates:
    link = after["link"]
    bytes_per_second = clock.per_second(before["bytes_sent"], after["bytes_sent"]) if before else None
    bits = link["sent_bits_per_second"] if bytes_per_second is None else 8 * bytes_per_second
    trip = link["round_trip"]
    return ViewerRates(
        user=after["user"],
        address=after["address"],
        way=after["way"],
        version=after["version"],
        codecs=tuple(after["codecs"]),
        is_active=after["is_active"],
        is_minimized=after["is_minimized"],
        frames_per_second=link["frames_per_second"],
        kbits_per_second=bits / 1000,
        round_trip_ms=1000 * trip if trip is not None else None,
        queue_ms=1000 * (link["queue"] or 0.0),
        lag_ms=1000 * (link["lag"] or 0.0),
        cpu_percent=clock.percent(_at(before, "loop_seconds"), after["loop_seconds"]),
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """Of all streams that a VM has ever had."""

    frames: int
    seconds: float
    steps: dict[str, dict[str, float]]


def _work(vm: Snapshot | None) -> _Work:
    parts = [vm["ended"], *[stream["work"] for stream in vm["streams"]]] if vm is not None else []
    steps: dict[str, dict[str, float]] = {}
    for part in parts:
        for name, figures in part["steps"].items():
            found = steps.setdefault(name, {})
            for key, value in figures.items():
                found[key] = found.get(key, 0) + value
    return _Work(sum(part["frames"] for part in parts), sum(part["seconds"] for part in parts), steps)


def _step_rates(old: _Work, new: _Work, clock: _Clock) -> dict[str, StepRates]:
    """Of the steps that there were between the two."""
    frames = _grown(old.frames, new.frames)
    found = {}
    for name, figures in new.steps.items():
        earlier = old.steps.get(name, {})
        grown = {key: _grown(earlier.get(key, 0), value) for key, value in figures.items()}
        if grown["count"] or grown["seconds"]:
            found[name] = StepRates(
                ms_per_frame=1000 * grown["seconds"] / frames,
                per_second=grown["count"] / clock.seconds,
                kbits_per_second=grown["bytes"] * 8 / 1000 / clock.seconds,
                pixels_per_second=grown["pixels"] / clock.seconds,
            )
    return dict(sorted(found.items(), key=lambda item: -item[1].ms_per_frame))


def _loop_seconds(snapshot: Snapshot | None) -> float:
    shares = snapshot["shares"] if snapshot is not None else ()
    return sum([float(share["worked"]) for share in shares])


def _at(snapshot: Snapshot | None, key: str) -> float:
    value: float = snapshot[key] if snapshot is not None else 0.0
    return value


def _grown(before: float, after: float) -> float:
    """What has been counted since; a counter that has begun anew counts from zero."""
    return after - before if after >= before else after
