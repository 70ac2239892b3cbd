"""Which target is for which client without the graphics pipeline."""

from pyrdpmux.graphics.targets.bitmap_updates import BitmapUpdates, BitmapUpdatesFormat
from pyrdpmux.graphics.targets.surface_commands import SurfaceCommands, SurfaceCommandsFormat
from pyrdpmux.rdp.connection.output_format import OutputFormat


def target_for(output: OutputFormat) -> BitmapUpdates | SurfaceCommands:
    """The best of what the client has announced."""
    format = SurfaceCommandsFormat.of(output)
    if format is not None:
        return SurfaceCommands(format)
    return BitmapUpdates(BitmapUpdatesFormat.of(output))
