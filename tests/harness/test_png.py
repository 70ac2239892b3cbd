"""PNG files, read back by an imaging library that is not ours."""

import io
from pathlib import Path

import numpy as np
import pytest

from pyrdpmux.harness.png import encode_png, write_png


@pytest.mark.parametrize("shape", [(1, 1, 4), (7, 5, 4), (5, 7, 3)])
def test_another_library_reads_the_same(shape: tuple[int, int, int], tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    read = np.asarray(image.open(io.BytesIO(encode_png(pixels))))
    assert np.array_equal(read[..., ::-1], pixels[..., :3])
    write_png(tmp_path / "a.png", pixels)
    assert (tmp_path / "a.png").read_bytes() == encode_png(pixels)
