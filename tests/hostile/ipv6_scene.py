"""Strangers with all addresses of a /64, against a daemon that listens at IPv6. Prints what happened as JSON.

    unshare --net python -m tests.hostile.ipv6_scene

It takes a network namespace of its own, where every address of a documentation prefix is this machine's.
"""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any, Final

from tests.hostile.strangers import Sockets
from tests.hostile.target import ALICE, Settings, running
from tests.hostile.visitor import at_the_challenge, visiting, welcome

PREFIX: Final = "2001:db8::/32"
SERVER: Final = "2001:db8:ffff::1"
ATTACKERS: Final = [f"2001:db8:1:1::{number:x}" for number in range(1, 301)]
POLITE: Final = [f"2001:db8:2:{number:x}::1" for number in range(1, 11)]
GUESSERS: Final = [f"2001:db8:3:3::{number:x}" for number in range(1, 8)]
NONLOCAL: Final = Path("/proc/sys/net/ipv6/ip_nonlocal_bind")


def have_addresses() -> None:
    """Every address of the prefix is ours."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "-6", "route", "add", "local", PREFIX, "dev", "lo"], check=True)
    NONLOCAL.write_text("1")


async def main() -> dict[str, Any]:
    async with running(Settings(bind="::")) as target:
        where: dict[str, Any] = {"port": target.gateway, "host": SERVER}
        sockets = Sockets(target.gateway, SERVER)
        async with visiting(**where, source="2001:db8:4::1", hold=at_the_challenge, **ALICE) as earlier:
            await earlier.until_held()
            for source in ATTACKERS:
                await sockets.open(source)
            others = [(await welcome(**where, source=source, **ALICE)).is_active for source in POLITE]
            earlier.go_on()
            is_left = await earlier.until_active()
        sockets.close()
        for source in GUESSERS[:-1]:
            await welcome(**where, source=source, user="alice", password="wrong")
        refused = await welcome(**where, source=GUESSERS[-1], seconds=3, **ALICE)
        neighbor = await welcome(**where, source="2001:db8:3:4::1", **ALICE)
    return {
        "others_welcome": others,
        "earlier_is_left": is_left,
        "guesser_is_refused": not refused.is_active,
        "neighbor_is_welcome": neighbor.is_active,
    }


if __name__ == "__main__":
    have_addresses()
    print(json.dumps(asyncio.run(main())))
