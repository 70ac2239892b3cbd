"""Literals and matches to a stream of prefix codes, in numpy: the sending half of MPPC, NCRUSH and ZGFX.

Items of the stream are pairs of literals (or a single one before a match), distances, and lengths. Their
places follow from the number of items of each stretch of literals; then each kind is looked up and put to its
places in one go, and the whole is packed.
"""

import numpy as np

from pyrdpmux.codec.bits import Codes, Counts
from pyrdpmux.codec.bulk.alphabet import TABLE_SIZE, Alphabet, CodeTable
from pyrdpmux.codec.bulk.matches import Bytes, Matches, Numbers


def encode_tokens(data: bytes, matches: Matches, alphabet: Alphabet) -> tuple[Codes, Counts]:
    """(tokens,) uint64 codes and (tokens,) int64 widths in bits, in order."""
    tables = alphabet.encoder
    distances = distance_codes(matches.distance, alphabet)
    return assemble(data, matches, tables.pairs, distances, tables.lengths.at(matches.length))


def assemble(
    data: bytes,
    matches: Matches,
    pairs: CodeTable,
    distances: tuple[Codes, Counts],
    lengths: tuple[Codes, Counts],
) -> tuple[Codes, Counts]:
    """Literals by table, and each match's codes for its distance and its length, in order."""
    if not len(matches.at):
        return pairs.at(_all_pairs(data))
    positions, lone, places = literal_items(len(data), matches)
    count = len(positions) + 2 * len(places)
    codes, widths = np.empty(count, np.uint64), np.empty(count, np.int64)
    is_literal = np.ones(count, np.bool_)
    is_literal[places] = False
    is_literal[places + 1] = False
    literal_places = np.flatnonzero(is_literal)
    index = _pair_index(np.frombuffer(data, np.uint8), positions, lone)
    codes[literal_places], widths[literal_places] = pairs.at(index)
    codes[places], widths[places] = distances
    codes[places + 1], widths[places + 1] = lengths
    return codes, widths


def literal_items(size: int, matches: Matches) -> tuple[Numbers, Numbers, Numbers]:
    """Where each literal item's bytes are; which items have one byte; and the items' places of the matches.

    A stretch of literals is what lies between two matches; an odd one ends in a single literal.
    """
    begins = np.zeros(len(matches.at) + 1, np.int64)
    np.add(matches.at, matches.length, out=begins[1:])
    ends = np.append(matches.at, size)
    lengths = ends - begins
    items = (lengths + 1) >> 1
    behind = np.cumsum(items)
    positions = np.repeat(begins - 2 * (behind - items), items)
    positions += 2 * np.arange(len(positions))
    lone = behind[(lengths & 1).astype(np.bool_)] - 1
    places = behind[:-1] + 2 * np.arange(len(matches.at))
    return positions, lone, places


def _all_pairs(data: bytes) -> Numbers:
    """(k,) int64: what :func:`_pair_index` has where there are literals only, in a quarter of the time."""
    half = len(data) // 2
    index = np.empty(len(data) - half, np.int64)
    index[:half] = np.frombuffer(data, ">u2", half)
    if half < len(index):
        index[half] = data[-1] + TABLE_SIZE
    return index


def _pair_index(data: Bytes, positions: Numbers, lone: Numbers) -> Numbers:
    """(k,) int64: the two bytes of ``data`` at each of ``positions`` (k,), the first high, as one index.

    ``lone`` (j,) indexes the positions whose second byte is no literal: theirs is behind all pairs.
    """
    first = data[positions].astype(np.int64)
    second = data.take(positions + 1, mode="clip")
    index = (first << 8) | second
    index[lone] = first[lone] + TABLE_SIZE
    return index


def distance_codes(distance: Numbers, alphabet: Alphabet) -> tuple[Codes, Counts]:
    """(k,) uint64 codes and (k,) int64 widths of ``distance`` (k,) int64.

    By table below 65536; beyond, where only ZGFX goes, by search.
    """
    tables = alphabet.encoder
    near = np.minimum(distance, TABLE_SIZE - 1)
    codes, widths = tables.distances.at(near)
    far = np.flatnonzero(distance >= TABLE_SIZE)
    if len(far):
        rows = sorted(alphabet.distances, key=lambda row: row.base)
        index = np.searchsorted(tables.bases, distance[far], side="right") - 1
        prefix = np.array([row.prefix << row.value_width for row in rows])[index]
        codes[far] = (prefix + distance[far] - tables.bases[index]).astype(np.uint64)
        widths[far] = np.array([row.prefix_width + row.value_width for row in rows])[index]
    return codes, widths
