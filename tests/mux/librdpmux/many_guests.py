"""Run as a process of its own, with a limit of descriptors: as many VMs as asked for, with sockets and ports.

``python -m tests.mux.librdpmux.many_guests VERSION COUNT LIMIT DIRECTORY CERTIFICATES`` prints what became of
them as JSON. Their libraries are in another process, which opens its end of each.
"""

import asyncio
import json
import logging
import os
import resource
import sys
from pathlib import Path

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.librdpmux.registration import Registration
from pyrdpmux.mux.librdpmux.server import LibrdpmuxServer
from pyrdpmux.mux.log.rate_limited import RateLimitedLog, quiet_accept_errors
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.settings.config import Config, SecuritySettings
from pyrdpmux.net.descriptors import raise_limit

LIBRARIES = """
import sys
import pynng, zmq
version, uuids, endpoints = int(sys.argv[1]), sys.stdin.readline().split(), sys.stdin.readline().split()
context = zmq.Context()
context.set(zmq.MAX_SOCKETS, 4096)
sockets = []
for uuid, endpoint in zip(uuids, endpoints):
    if version < 3:
        socket = pynng.Pair0(send_timeout=5000)
        socket.dial(endpoint, block=False)
        socket.send(bytes.fromhex("9401ce200208884040"))
    else:
        socket = context.socket(zmq.DEALER)
        socket.connect(endpoint)
        socket.send_multipart([uuid.encode(), bytes.fromhex("9402ce200208884040")])
    sockets.append(socket)
print("sent", flush=True)
sys.stdin.read()
"""


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


class Lines(logging.Handler):
    """Counts."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += record.levelno >= logging.WARNING


async def is_answered(port: int) -> bool:
    """With something that RDP begins with: a connection that is only in the kernel's queue says nothing."""
    request = bytes.fromhex("030000130ee000000000000100080001000000")
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            answer = await reader.read(4)
            writer.close()
    except (OSError, TimeoutError):
        return False
    return answer[:1] == b"\x03"


async def main(version: int, count: int, directory: Path, certificates: Path) -> dict[str, object]:
    lines = Lines()
    logging.getLogger().addHandler(lines)
    log = RateLimitedLog(logging.getLogger("pyrdpmux.test"))
    quiet_accept_errors(asyncio.get_running_loop(), log)
    raise_limit()
    security = SecuritySettings(nla=False, tls=True)
    config = Config(port=24000, certificate_dir=certificates, security=security)
    factory = ConnectionFactory(config)
    registry = Registry(config, factory)
    server = LibrdpmuxServer(
        directory=directory,
        state_dir=directory,
        shared_memory=directory,
        access=factory,
        schedule=factory.schedule,
        files=factory.files,
    )
    await server.start(registry.for_publisher(server))
    before = descriptors(), memory()
    uuids, endpoints, refusals = [], [], []
    for number in range(count):
        uuid = f"6b8b4567-327b-23c6-643c-{number:012d}"
        try:
            endpoints.append(
                await server.register(
                    Registration(
                        vm_id=number, version=version, uuid=uuid, owner=f":1.{number}", uid=os.getuid()
                    )
                )
            )
            uuids.append(uuid)
        except BackendError as error:
            refusals.append(str(error))
    for number in range(len(endpoints)):
        (directory / f"{number}.rdpmux").write_bytes(bytes(64 * 64 * 4))
    libraries = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LIBRARIES, str(version), stdin=-1, stdout=-1, limit=1 << 20
    )
    assert libraries.stdin is not None
    assert libraries.stdout is not None
    libraries.stdin.write(f"{' '.join(uuids)}\n{' '.join(endpoints)}\n".encode())
    assert await libraries.stdout.readline() == b"sent\n"
    shown = 0
    for _ in range(1000):
        shown = sum(guest.session.has_framebuffer for guest in server.guests)
        if shown == len(endpoints):
            break
        await asyncio.sleep(0.02)
    ports = [console.port for console in registry.consoles]
    result: dict[str, object] = {
        "registered": len(endpoints),
        "refused": sorted(set(refusals)),
        "shown": shown,
        "descriptors": (descriptors() - before[0] - 2) / max(1, len(endpoints)),
        "memory": (memory() - before[1]) // max(1, len(endpoints)),
        "free": resource.getrlimit(resource.RLIMIT_NOFILE)[0] - descriptors(),
        "answered": [await is_answered(port) for port in (ports[0], ports[len(ports) // 2], ports[-1])],
        "lines": lines.count,
    }
    libraries.stdin.close()
    await libraries.wait()
    await registry.close("done")
    await server.stop()
    return result


if __name__ == "__main__":
    limit = int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, 256), limit))
    print(
        json.dumps(
            asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[4]), Path(sys.argv[5])))
        )
    )
