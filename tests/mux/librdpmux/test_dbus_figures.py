from pyrdpmux.graphics.pacer import Pacer
from pyrdpmux.graphics.tally import StepFigures
from pyrdpmux.mux.figures import ViewerFigures, VmFigures, WorkFigures
from pyrdpmux.mux.librdpmux.dbus_figures import UNKNOWN, picture_figures, viewer_figures

WORK = WorkFigures(30, 0.5, 100, {"text": StepFigures(1, 64, 90, 0.25)})


def test_a_picture_is_numbers() -> None:
    assert picture_figures(VmFigures(1.5, 2.5, ended=WORK)) == {
        "frames": 30.0,
        "bytes": 100.0,
        "seconds": 0.5,
        "thread-seconds": 2.5,
        "loop-seconds": 1.5,
        "text-seconds": 0.25,
    }


def test_a_viewer_without_a_picture_yet() -> None:
    told = viewer_figures(ViewerFigures(None, None, None, (), True, 0.0, 0, 0, Pacer().figures(0.0)))
    assert (told["way"].value, told["codecs"].value, told["is-minimized"].value) == ("", [], True)
    assert told["round-trip"].value == told["link-bits-per-second"].value == UNKNOWN
