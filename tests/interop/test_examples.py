"""An example as its reader starts it, and what xfreerdp shows of it."""

import sys
from pathlib import Path

import numpy as np
import pytest

from pyrdpmux.harness.programs import Program, free_port, wait_until
from tests.interop.client import TITLE
from tests.interop.conftest import Start
from tests.mux.test_embedded import EXAMPLES, video_file

pytest.importorskip("av", reason="needs PyAV, of the extra h264")

PLAY = "import asyncio, sys, play_video; asyncio.run(play_video.main(sys.argv[1], int(sys.argv[2])))"
LEVELS = (40, 120, 200)


@pytest.mark.parametrize("options", [["/gfx:AVC444"], ["-gfx"]], ids=["h264", "bitmaps"])
def test_a_video_is_played(start: Start, tmp_path: Path, options: list[str]) -> None:
    port = free_port()
    file, log = tmp_path / "gray.mp4", tmp_path / "example.log"
    video_file(file, [level for level in LEVELS for _ in range(25)])
    environment = {"PYTHONPATH": f"{EXAMPLES.parent}:{EXAMPLES}", "STATE_DIRECTORY": str(tmp_path)}
    with Program([sys.executable, "-c", PLAY, str(file), str(port)], log, environment) as example:
        example.wait_until(lambda: "xfreerdp /v:" in log.read_text(), 20, "printing the line to type")
        client = start([*log.read_text().split(), f"/t:{TITLE}", *options])
        for level in (*LEVELS, LEVELS[0]):

            def shown(level: int = level) -> bool:
                center = client.picture()[90:100, 150:170].astype(np.int64)
                return bool((np.abs(center - level) < 20).all())

            wait_until(shown, 20, f"a gray of {level}")
