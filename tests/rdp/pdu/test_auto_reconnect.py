import pytest

from pyrdpmux.rdp.pdu.auto_reconnect import AutoReconnectClientCookie, AutoReconnectServerCookie
from pyrdpmux.wire.secret import Secret
from tests.rows import Row, row_tests

SIXTEEN = bytes(range(16))

ROWS = [
    Row(
        "server (2.2.4.2, constructed)",
        AutoReconnectServerCookie(7, Secret(SIXTEEN)),
        """1c000000  # cbLen
           01000000  # Version
           07000000  # LogonId
           000102030405060708090a0b0c0d0e0f  # ArcRandomBits""",
    ),
    Row(
        "client (2.2.4.3, constructed)",
        AutoReconnectClientCookie(7, Secret(SIXTEEN), 2),
        """1c000000  # cbLen
           02000000  # Version
           07000000  # LogonId
           000102030405060708090a0b0c0d0e0f  # SecurityVerifier""",
    ),
]

TestRows = row_tests(ROWS)


@pytest.mark.parametrize("kind", [AutoReconnectServerCookie, AutoReconnectClientCookie])
def test_it_does_not_print(kind: type) -> None:
    assert "0123456789abcdef" not in repr(kind(1, Secret(b"0123456789abcdef")))
