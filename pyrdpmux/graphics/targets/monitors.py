"""Several monitors of the graphics pipeline: a mapped surface for each, which shows its part of MAIN.

MAIN is not mapped then. What a frame has painted there is copied at its end, in the client: no pixel goes
over the link twice, and a planner copies from one monitor to another as within one.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from pyrdpmux.geometry import Rect, bounding_box
from pyrdpmux.graphics.commands import MAIN, BoxFrame, Command, Copy, Exact, Fill, Lossy, Restore
from pyrdpmux.graphics.surface import TILE, tile_rects
from pyrdpmux.rdp.channels.graphics.drawing import SurfaceToSurface
from pyrdpmux.rdp.channels.graphics.header import Point
from pyrdpmux.rdp.channels.graphics.surfaces import CreateSurface, MapSurfaceToOutput

FIRST_MONITOR: Final = 2032
"""Number of the surface of the first monitor, behind all boxes; there are 16 at most."""


MAX_PLACES: Final = 64
"""Copied by themselves after one frame, for each monitor that they are on."""


def monitor_surfaces(first_id: int, areas: Sequence[Rect]) -> list[CreateSurface | MapSurfaceToOutput]:
    """Those of ``areas``, for a target whose surfaces are numbered from ``first_id`` on."""
    created: list[CreateSurface | MapSurfaceToOutput] = []
    for surface_id, area in zip(monitor_ids(first_id, areas), areas, strict=True):
        created.append(CreateSurface(surface_id, area.width, area.height))
        created.append(MapSurfaceToOutput(surface_id, area.x, area.y))
    return created


def monitor_ids(first_id: int, areas: Sequence[Rect]) -> list[int]:
    """Their surfaceIds."""
    return [first_id + FIRST_MONITOR + number for number in range(len(areas))]


def copies_to_monitors(
    first_id: int, areas: Sequence[Rect], painted: Sequence[Rect]
) -> list[SurfaceToSurface]:
    """What shows on the monitors what was painted in these places of MAIN."""
    copies = []
    for surface_id, area in zip(monitor_ids(first_id, areas), areas, strict=True):
        for rect in painted:
            part = rect.intersection(area)
            if not part.is_empty:
                place = Point(part.x - area.x, part.y - area.y)
                copies.append(SurfaceToSurface(first_id + MAIN, surface_id, part, (place,)))
    return copies


def painted_on_main(commands: Sequence[Command], width: int, height: int) -> list[Rect]:
    """Whole tiles of MAIN, of this size, that a frame's commands change; or more, if these are scattered."""
    tiles = np.zeros((-(-height // TILE), -(-width // TILE)), np.bool_)
    for command in commands:
        for rect in _painted_by(command):
            shown = rect.clip(width, height)
            if not shown.is_empty:
                rows = slice(shown.y // TILE, -(-shown.bottom // TILE))
                tiles[rows, shown.x // TILE : -(-shown.right // TILE)] = True
    painted = tile_rects(tiles, width, height)
    return painted if len(painted) <= MAX_PLACES else [bounding_box(painted)]


def _painted_by(command: Command) -> Sequence[Rect]:
    match command:
        case Copy(source=source, surface=surface, x=x, y=y):
            return [Rect(x, y, source.width, source.height)] if surface == MAIN else []
        case Fill(rects=rects) | Lossy(rects=rects) | BoxFrame(changed=rects):
            return rects
        case Restore(points=points):
            return [Rect(x, y, TILE, TILE) for x, y in points]
        case Exact(rect=rect):
            return [rect]
        case _:
            return []
