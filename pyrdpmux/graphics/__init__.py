"""Pictures to RDP clients: what is shown, what clients have of it, and how the difference is sent.

``from pyrdpmux.graphics import Surface, Stream, Pipeline, PipelineFormat`` is for programs that drive
connections themselves (docs/graphics.md); :func:`pyrdpmux.mux.embedded.show` is all of it and a server. Each
name is loaded when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pyrdpmux.graphics.joining import join
    from pyrdpmux.graphics.pacer import Pacer
    from pyrdpmux.graphics.stream import Frame, Stream
    from pyrdpmux.graphics.surface import Surface
    from pyrdpmux.graphics.targets.choice import target_for
    from pyrdpmux.graphics.targets.pieces import slices
    from pyrdpmux.graphics.targets.pipeline import Pipeline, PipelineFormat

__all__ = [
    "Frame",
    "Pacer",
    "Pipeline",
    "PipelineFormat",
    "Stream",
    "Surface",
    "join",
    "slices",
    "target_for",
]

_HOMES: Final = {
    "Frame": "stream",
    "Pacer": "pacer",
    "Pipeline": "targets.pipeline",
    "PipelineFormat": "targets.pipeline",
    "Stream": "stream",
    "Surface": "surface",
    "join": "joining",
    "slices": "targets.pieces",
    "target_for": "targets.choice",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
