"""The password's answer to a challenge."""

from pyrdpmux.rfb.vnc_password import response_to
from pyrdpmux.wire.secret import Secret

BLOCK = bytes.fromhex("0123456789abcdef")


def test_the_textbook_example_of_des() -> None:
    """Key 133457799BBCDFF1: as a password, each byte's bits in reverse."""
    password = Secret(bytes.fromhex("c82cea9ed93dfb8f").decode("latin-1"))
    assert response_to(2 * BLOCK, password) == 2 * bytes.fromhex("85e813540f0ab405")


def test_eight_characters_count() -> None:
    assert response_to(2 * BLOCK, Secret("password")) == response_to(2 * BLOCK, Secret("password1"))
    assert response_to(2 * BLOCK, Secret("passwor")) != response_to(2 * BLOCK, Secret("password"))


def test_any_password_gives_an_answer() -> None:
    for password in ("", "x", "ключ", "пароль длинный", "\0"):
        assert len(response_to(2 * BLOCK, Secret(password))) == 16
