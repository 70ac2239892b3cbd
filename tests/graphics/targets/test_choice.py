import pytest

from pyrdpmux.graphics.targets.bitmap_updates import BitmapUpdates
from pyrdpmux.graphics.targets.choice import target_for
from pyrdpmux.graphics.targets.surface_commands import SurfaceCommands
from pyrdpmux.rdp.connection.output_format import SurfaceFormat
from tests.graphics.bitmap_session import NSCODEC_FORMAT, REMOTEFX_FORMAT, output_format, surface_format


@pytest.mark.parametrize(
    ("surface", "target"),
    [
        (surface_format(remotefx=REMOTEFX_FORMAT), SurfaceCommands),
        (surface_format(nscodec=NSCODEC_FORMAT), SurfaceCommands),
        (surface_format(), BitmapUpdates),
        (None, BitmapUpdates),
    ],
)
def test_everybody_gets_the_best_of_what_they_have_announced(
    surface: SurfaceFormat | None, target: type
) -> None:
    assert isinstance(target_for(output_format(64, 64, surface=surface)), target)
