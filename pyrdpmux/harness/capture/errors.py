"""What can be wrong with a capture."""

from pyrdpmux.errors import PyRdpMuxError


class CaptureError(PyRdpMuxError):
    """A capture or key log that cannot be used; the text names the file or the place in the stream."""
