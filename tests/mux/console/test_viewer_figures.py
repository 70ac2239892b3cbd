from types import SimpleNamespace
from typing import Any, cast

import pytest

from pyrdpmux.graphics.pacer import Pacer
from pyrdpmux.mux.console.viewer_figures import viewer_figures
from pyrdpmux.mux.streaming.live_stream import LiveStream
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.channels.graphics.capabilities import CapabilityVersion
from pyrdpmux.rdp.connection.events import GraphicsOpened

LINK = Pacer().figures(0.0)
TARGET = SimpleNamespace(way="EGFX", codecs=("progressive", "planar"))
LIVE = cast(LiveStream, SimpleNamespace(number=7, stream=SimpleNamespace(target=TARGET)))
GRAPHICS = cast(
    GraphicsOpened, SimpleNamespace(capabilities=SimpleNamespace(version=CapabilityVersion.VERSION_8_1))
)


def peer(share: Any) -> Peer:
    return cast(Peer, SimpleNamespace(share=share, bytes_sent=100, unsent_bytes=3))


def test_a_viewer_with_a_seat() -> None:
    figures = viewer_figures(LIVE, GRAPHICS, peer(SimpleNamespace(worked=0.5)), LINK, is_minimized=False)
    assert (figures.stream, figures.way, figures.version) == (7, "EGFX", "8.1")
    assert figures.codecs == ("progressive", "planar")
    assert (figures.loop_seconds, figures.bytes_sent, figures.unsent_bytes) == (0.5, 100, 3)
    assert figures.link is LINK
    assert not figures.is_minimized


@pytest.mark.parametrize(("graphics", "version"), [(None, None), (GRAPHICS, "8.1")])
def test_one_without(graphics: GraphicsOpened | None, version: str | None) -> None:
    """Minimized, or not there yet."""
    figures = viewer_figures(None, graphics, peer(None), LINK, is_minimized=True)
    assert (figures.stream, figures.way, figures.version, figures.codecs) == (None, None, version, ())
    assert figures.loop_seconds == 0.0
    assert figures.is_minimized
