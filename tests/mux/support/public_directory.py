"""A directory that other users can reach: pytest's own are closed again whenever another run of it starts."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def public_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pyrdpmux-test-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory
