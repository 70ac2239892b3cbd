"""One viewer's figures, put together from those who know them."""

from pyrdpmux.graphics.pacing import PacerFigures
from pyrdpmux.mux.figures import ViewerFigures, version_of
from pyrdpmux.mux.streaming.live_stream import LiveStream
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.connection.events import GraphicsOpened


def viewer_figures(
    live: LiveStream | None,
    graphics: GraphicsOpened | None,
    peer: Peer,
    link: PacerFigures,
    *,
    is_minimized: bool,
) -> ViewerFigures:
    """``live``: that it has a seat in; ``graphics``: the pipeline, where its client has opened it."""
    target = live.stream.target if live is not None else None
    return ViewerFigures(
        stream=live.number if live is not None else None,
        way=target.way if target is not None else None,
        version=version_of(graphics.capabilities.version) if graphics is not None else None,
        codecs=target.codecs if target is not None else (),
        is_minimized=is_minimized,
        loop_seconds=peer.share.worked if peer.share is not None else 0.0,
        bytes_sent=peer.bytes_sent,
        unsent_bytes=peer.unsent_bytes,
        link=link,
    )
