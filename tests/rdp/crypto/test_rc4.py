"""RC4: RFC 6229 vectors on both implementations, and that they agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.rdp.crypto.rc4 import PureRc4, rc4


@pytest.mark.parametrize("cipher", [rc4, PureRc4])
@pytest.mark.parametrize(
    ("key", "stream"),
    [
        ("0102030405", "b2396305f03dc027ccc3524a0a1118a8"),
        ("01020304050607", "293f02d47f37c9b633f2af5285feb46b"),
        ("0102030405060708090a0b0c0d0e0f10", "9ac7cc9a609d1ef7b2932899cde41b97"),
    ],
)
def test_rfc_6229(cipher: type[PureRc4], key: str, stream: str) -> None:
    assert cipher(bytes.fromhex(key)).update(bytes(16)).hex() == stream


@given(st.binary(min_size=1, max_size=40), st.lists(st.binary(max_size=50), max_size=4))
def test_both_agree_piece_by_piece(key: bytes, pieces: list[bytes]) -> None:
    a, b = rc4(key), PureRc4(key)
    assert [a.update(piece) for piece in pieces] == [b.update(piece) for piece in pieces]


def test_plain_python_takes_over_where_openssl_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    key = bytes(16)
    native = rc4(key)
    assert not isinstance(native, PureRc4)
    monkeypatch.setattr("pyrdpmux.rdp.crypto.rc4._native", lambda key: None)
    assert isinstance(rc4(key), PureRc4)
    assert rc4(key).update(b"data") == native.update(b"data")
