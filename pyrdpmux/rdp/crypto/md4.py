"""MD4 (RFC 1320), for the NT hash only: OpenSSL 3 keeps it in a provider that few systems load."""

from typing import Final

from pyrdpmux.wire import Reader, Writer

BLOCK_SIZE: Final = 64
_MASK: Final = 0xFFFFFFFF
_INITIAL_STATE: Final = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)

#: RFC 1320 3.4: per round, the added constant, the word order and the four rotations.
_ROUNDS: Final = (
    (0x00000000, tuple(range(16)), (3, 7, 11, 19)),
    (0x5A827999, tuple([4 * (i % 4) + i // 4 for i in range(16)]), (3, 5, 9, 13)),
    (0x6ED9EBA1, (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15)),
)


def _mix(round_number: int, x: int, y: int, z: int) -> int:
    if round_number == 0:
        return (x & y) | (~x & z)
    if round_number == 1:
        return (x & y) | (x & z) | (y & z)
    return x ^ y ^ z


def _rotate(value: int, count: int) -> int:
    value &= _MASK
    return ((value << count) | (value >> (32 - count))) & _MASK


def _pad(data: bytes) -> bytes:
    w = Writer("md4")
    w.raw("message", data)
    w.u8("one bit", 0x80)
    w.pad("zero bits", (BLOCK_SIZE - 8 - w.offset) % BLOCK_SIZE)
    w.uint_le("bit length", (8 * len(data)) & 0xFFFFFFFFFFFFFFFF, 8)
    return w.getvalue()


def _compress(state: tuple[int, int, int, int], words: list[int]) -> tuple[int, int, int, int]:
    a, b, c, d = state
    for number, (constant, order, rotations) in enumerate(_ROUNDS):
        for step, index in enumerate(order):
            mixed = _rotate(a + _mix(number, b, c, d) + words[index] + constant, rotations[step % 4])
            a, b, c, d = d, mixed, b, c
    return (
        (state[0] + a) & _MASK,
        (state[1] + b) & _MASK,
        (state[2] + c) & _MASK,
        (state[3] + d) & _MASK,
    )


def md4(data: bytes) -> bytes:
    """The 16 byte digest of ``data``."""
    r = Reader(_pad(data), "md4")
    state = _INITIAL_STATE
    while r.remaining:
        state = _compress(state, [r.u32_le("word") for _ in range(16)])
    w = Writer("md4")
    for word in state:
        w.u32_le("digest", word)
    return w.getvalue()


def nt_hash(password: str) -> bytes:
    """MS-NLMP 3.3.1 NTOWFv1: what a SAM file stores of a password."""
    return md4(password.encode("utf-16-le", "surrogatepass"))
