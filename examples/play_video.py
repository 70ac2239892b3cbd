"""A video over RDP, again and again, as fast as it is: python examples/play_video.py FILE (needs PyAV)"""

import asyncio
import sys

import av

from pyrdpmux.mux.embedded import show


async def main(path: str, port: int = 3901) -> None:
    with av.open(path) as file:
        video = file.streams.video[0]
        async with show(video.width, video.height, user="demo", password="secret", port=port) as screen:
            print(f"xfreerdp /v:127.0.0.1:{screen.port} /u:demo /p:secret /cert:ignore", flush=True)
            while True:
                for frame in file.decode(video):
                    screen.write(frame.to_ndarray(format="rgb24"))
                    await asyncio.sleep(float(1 / (video.average_rate or 25)))
                file.seek(0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
