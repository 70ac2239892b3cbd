"""What some codecs need and not everybody has: ``pip install pyrdpmux[EXTRA]``. Imported on first use."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from pyrdpmux.errors import MissingExtra

H264: Final = "h264"
JPEG: Final = "jpeg"

_MODULES: Final = {H264: "av", JPEG: "PIL.Image"}


def is_installed(extra: str) -> bool:
    """Without importing it."""
    return find_spec(_MODULES[extra].partition(".")[0]) is not None


def load(extra: str) -> Any:
    """The module that does an extra's work. MissingExtra where it is not installed."""
    module = _MODULES[extra]
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtra(extra, str(error)) from error
