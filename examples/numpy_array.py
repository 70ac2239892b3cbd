"""A numpy array over RDP, without a hypervisor or a bus: python examples/numpy_array.py"""

import asyncio

import numpy as np

from pyrdpmux.mux.embedded import EmbeddedServer


async def main(port: int = 3901) -> None:
    y, x = np.mgrid[0:480, 0:640]
    async with EmbeddedServer(passwords={"demo": "secret"}) as server:
        console = await server.add_console("plasma", port=port)
        print(f"xfreerdp /v:127.0.0.1:{console.port} /u:demo /p:secret /cert:ignore", flush=True)
        for step in range(0, 1 << 20, 4):
            console.show(np.stack([x + step, y + step, (x + y) // 4], axis=-1).astype(np.uint8))
            await asyncio.sleep(1 / 25)


if __name__ == "__main__":
    asyncio.run(main())
