import json
import math

from pyrdpmux.graphics.pacer import Pacer
from pyrdpmux.graphics.tally import StepFigures
from pyrdpmux.mux.figures import StreamFigures, ViewerFigures, VmFigures, WorkFigures, told, version_of
from pyrdpmux.rdp.channels.graphics.capabilities import CapabilityVersion

TEXT = WorkFigures(2, 0.5, 100, {"text": StepFigures(1, 64, 90, 0.25)})
BOTH = WorkFigures(3, 0.25, 10, {"text": StepFigures(1, 1, 1, 0.25), "copy": StepFigures(5, 5, 5, 0.0)})


def test_work_adds_up_step_by_step() -> None:
    assert (
        WorkFigures(5, 0.75, 110, {"text": StepFigures(2, 65, 91, 0.5), "copy": StepFigures(5, 5, 5, 0.0)})
        == TEXT + BOTH
    )
    assert TEXT.steps == {"text": StepFigures(1, 64, 90, 0.25)}, "nothing is changed"


def test_work_of_a_vm_is_that_of_all_streams_ever() -> None:
    stream = StreamFigures(1, 8, 8, "EGFX", (), 1, 0.0, BOTH)
    assert VmFigures(streams=(stream,), ended=TEXT).work == TEXT + BOTH
    assert VmFigures().work == WorkFigures()


def test_told_as_json() -> None:
    link = Pacer().figures(0.0)
    viewer = ViewerFigures(7, "EGFX", "10.7", ("AVC420", "planar"), False, 1 / 3, 1000, 0, link)
    answer = json.loads(json.dumps(told(VmFigures(viewers=(viewer,), ended=TEXT)), allow_nan=False))
    assert answer["ended"]["steps"] == {"text": {"count": 1, "pixels": 64, "bytes": 90, "seconds": 0.25}}
    [found] = answer["viewers"]
    assert found["codecs"] == ["AVC420", "planar"]
    assert found["loop_seconds"] == 0.333333
    assert found["link"]["round_trip"] is None
    assert told(math.inf) is told(math.nan) is None


def test_versions_are_called_as_people_call_them() -> None:
    assert version_of(CapabilityVersion.VERSION_8) == "8.0"
    assert version_of(CapabilityVersion.VERSION_8_1) == "8.1"
    assert version_of(CapabilityVersion.VERSION_10_7) == "10.7"
