"""What a program gets from the package itself: these names stay."""

import importlib
import subprocess
import sys

import pytest

import pyrdpmux

DOORS = {
    "pyrdpmux": {
        "Rect",
        "Region",
        "PyRdpMuxError",
        "PeerError",
        "DecodeError",
        "LocalError",
        "EncodeError",
        "MuxError",
        "ConfigError",
        "BackendError",
        "__version__",
    },
    "pyrdpmux.codec": {
        "CODECS",
        "Codec",
        "State",
        "Unit",
        "EncodedBitmap",
        "encode_rectangles",
        "decode_bitmap",
        "PALETTE",
        "Pixels",
        "Changes",
        "changed_tiles",
        "reduce_and_expand",
    },
}


DOORS["pyrdpmux.graphics"] = {
    "Frame",
    "Pacer",
    "Pipeline",
    "PipelineFormat",
    "Stream",
    "Surface",
    "join",
    "slices",
    "target_for",
}

DOORS["pyrdpmux.harness"] = {
    "connect",
    "Client",
    "LicenseFolder",
    "ClientError",
    "ClientTimeout",
    "SessionEnded",
}


@pytest.mark.parametrize("door", DOORS)
def test_public_names(door: str) -> None:
    module = importlib.import_module(door)
    assert set(module.__all__) == DOORS[door]
    assert all(hasattr(module, name) for name in module.__all__)


def test_each_error_of_the_door_is_one_of_ours() -> None:
    """One ``except`` catches everything that is raised on purpose."""
    errors = [getattr(pyrdpmux, name) for name in pyrdpmux.__all__ if name.endswith("Error")]
    assert len(errors) == 8
    assert all(issubclass(error, pyrdpmux.PyRdpMuxError) for error in errors)


def test_reading_captures_loads_no_client() -> None:
    code = "import pyrdpmux.harness.capture, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pyrdpmux.harness.peers" not in run.stdout.split()
    with pytest.raises(AttributeError, match="no attribute nonsense"):
        _ = importlib.import_module("pyrdpmux.harness").nonsense


def test_a_name_of_graphics_is_loaded_when_it_is_asked_for() -> None:
    code = "import pyrdpmux.graphics, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "numpy" not in run.stdout.split()
    with pytest.raises(AttributeError, match="no attribute nonsense"):
        _ = importlib.import_module("pyrdpmux.graphics").nonsense


def test_the_outermost_door_costs_nothing() -> None:
    code = "import pyrdpmux, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"numpy", "asyncio", "cryptography"} & set(run.stdout.split()) == set()
    assert "pyrdpmux.geometry" in run.stdout.split()
