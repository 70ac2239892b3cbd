"""One table of factors serves both codecs."""

from dataclasses import asdict

import pytest

from pyrdpmux.codec.progressive.block import ComponentQuantization
from pyrdpmux.codec.rfx.quant import DEFAULT, Quantization
from pyrdpmux.graphics.commands import Quality
from pyrdpmux.graphics.targets.qualities import FACTORS


@pytest.mark.parametrize("quality", Quality)
def test_factors_mean_the_same_to_both(quality: Quality) -> None:
    """Although their structures order the sub-bands differently."""
    factors = FACTORS[quality]
    assert asdict(Quantization(*factors)) == asdict(ComponentQuantization(*factors))


def test_a_good_picture_is_as_others_send_it() -> None:
    assert Quantization(*FACTORS[Quality.GOOD]) == DEFAULT
    assert ComponentQuantization(*FACTORS[Quality.GOOD]) == ComponentQuantization()
