"""Distinct values in the order of their first appearance."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def distinct(values: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each distinct value of ``values`` (n,) comes first, ascending; and which one each value is.

    Like ``numpy.unique``, which sorts differently, and imports masked arrays (20 ms) when first called.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    begins = np.ones(len(values), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    first = order[begins]
    by_appearance = np.argsort(first)
    rank = np.empty(len(first), np.int64)
    rank[by_appearance] = np.arange(len(first))
    which = np.empty(len(values), np.int64)
    which[order] = rank[np.cumsum(begins) - 1]
    return first[by_appearance], which
