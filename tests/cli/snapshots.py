"""What a daemon would tell, in the shape that it tells it (tests/mux/control has the real one)."""

from typing import Any

NOTHING: dict[str, Any] = {"frames": 0, "seconds": 0.0, "bytes": 0, "steps": {}}


def step(count: int, seconds: float, bytes: int = 0, pixels: int = 0) -> dict[str, Any]:
    return {"count": count, "pixels": pixels, "bytes": bytes, "seconds": seconds}


def work(frames: int, seconds: float, **steps: dict[str, Any]) -> dict[str, Any]:
    return {"frames": frames, "seconds": seconds, "bytes": 1000 * frames, "steps": steps}


def stream(number: int, done: dict[str, Any]) -> dict[str, Any]:
    return {"number": number, "viewers": 1, "latest_seconds": 0.0, "work": done}


def viewer(user: str = "alice", port: int = 5000, **fields: Any) -> dict[str, Any]:
    link = {
        "round_trip": 0.012,
        "queue": 0.003,
        "lag": 0.0,
        "frames_per_second": 29.8,
        "sent_bits_per_second": 400_000.0,
    }
    link |= {name: fields.pop(name) for name in list(fields) if name in link}
    about = {
        "user": user,
        "address": f"10.0.0.7:{port}",
        "is_active": True,
        "stream": 1,
        "way": "EGFX",
        "version": "10.7",
        "codecs": ["AVC420", "ClearCodec", "planar"],
        "is_minimized": False,
        "loop_seconds": 0.0,
        "bytes_sent": 0,
        "link": link,
    }
    return about | fields


def vm(name: str = "build7", **fields: Any) -> dict[str, Any]:
    about = {
        "name": name,
        "port": 3901,
        "status": "running",
        "width": 1920,
        "height": 1080,
        "loop_seconds": 0.0,
        "thread_seconds": 0.0,
        "streams": [],
        "ended": NOTHING,
        "viewers": [],
    }
    return about | fields


def snapshot(time: float, *vms: dict[str, Any], **fields: Any) -> dict[str, Any]:
    about = {
        "time": time,
        "process_seconds": 0.0,
        "threads": {"count": 2, "seconds": 0.0, "waiting": 0},
        "shares": [],
        "vms": list(vms),
    }
    return about | fields


BEFORE = snapshot(
    100.0,
    vm(
        loop_seconds=1.0,
        thread_seconds=5.0,
        streams=[stream(1, work(300, 3.0, text=step(300, 0.3), find=step(310, 0.6)))],
        viewers=[viewer(loop_seconds=0.5, bytes_sent=1_000_000)],
    ),
    vm("mail", status="paused"),
    process_seconds=10.0,
    threads={"count": 2, "seconds": 5.0, "waiting": 0},
    shares=[{"worked": 1.0}, {"worked": 0.5}],
)
AFTER = snapshot(
    102.0,
    vm("mail", status="paused"),
    vm(
        loop_seconds=1.1,
        thread_seconds=5.4,
        streams=[
            stream(1, work(350, 3.25, text=step(340, 0.35, 5000), find=step(360, 0.7), copy=step(10, 0.0)))
        ],
        viewers=[viewer(loop_seconds=0.54, bytes_sent=2_000_000)],
    ),
    process_seconds=10.6,
    threads={"count": 2, "seconds": 5.4, "waiting": 0},
    shares=[{"worked": 1.1}, {"worked": 0.54}],
)
"""Two seconds later, build7 has had 50 frames of 5 ms each."""
