"""A client that stands still is told from a server that does not send."""

import os
import signal
import time

import numpy as np
import pytest

from tests.interop.client import ClientStuck, xfreerdp
from tests.interop.conftest import Start
from tests.interop.console import Console
from tests.interop.drawings import page


def test_a_client_that_stands_still_is_named(console: Console, start: Start) -> None:
    console.paint(page(800, 600))
    client = start(xfreerdp(console.port, "tls", 32, "/gfx"))
    shown = console.picture[..., 2::-1]
    client.wait_for_picture(shown)
    with pytest.raises(AssertionError) as missing:
        client.wait_for_picture(np.zeros_like(shown), 1.0)
    assert not isinstance(missing.value, ClientStuck)
    os.kill(client.program.pid, signal.SIGSTOP)
    try:
        time.sleep(0.5)
        console.paint(page(800, 600, 5))
        with pytest.raises(ClientStuck):
            client.wait_for_picture(console.picture[..., 2::-1], 1.0)
    finally:
        os.kill(client.program.pid, signal.SIGCONT)
    client.wait_for_picture(console.picture[..., 2::-1])
