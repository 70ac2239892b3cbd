"""Licensing keys, judged by what others have computed.

The numbers of :class:`TestDerivation` are those that IronRDP's unit tests check its derivation with
(ironrdp-pdu, server_license/client_new_license_request/tests.rs); those of :class:`TestExamples` are
MS-RDPELE's own. The examples of section 4 are not of one exchange: no two of them share keys, and the
premaster secret that 4.2 shows is not what is encrypted in it with 4.1's key.
"""

import pytest

from pyrdpmux.rdp.crypto.rc4 import rc4
from pyrdpmux.rdp.licensing.keys import InvalidMac, LicensingKeys, master_secret, session_key_blob

PRE_MASTER_SECRET = bytes.fromhex(
    "1428dafbb9ea38ab5ea2f904f7899c983d504577bf17811c3787c24813e8c9204ddff327bdb6987e64dafe1d312f62ca"
)
CLIENT_RANDOM = bytes.fromhex("4b5b7b43638a08fed17abaf5918577fe3936f6d778ec6acc894a90412cac5a49")
SERVER_RANDOM = bytes.fromhex("5c81f011ebcfd10eb41fb3ba93a2d73909aa99e910d4d795ddad916905266b6a")
MASTER_SECRET = bytes.fromhex(
    "fedc519adb3ac961040724945d0c43a770e3f30050d7a8723eab7e1be464e5c574aeed1072962a4c65094f6012a912a1"
)
SESSION_KEY_BLOB = bytes.fromhex(
    "f70375b95fdad0beb42af5c13d98857ad6c5394ce3cb7661aa4ab6157e89213ddf5b2532ee05060d5baa6314afa5460f"
)
ENCRYPTION_KEY = bytes.fromhex("fa44e878d82b3f1d4d00a0a655ce8ab7")


class TestDerivation:
    def test_master_secret(self) -> None:
        assert master_secret(PRE_MASTER_SECRET, CLIENT_RANDOM, SERVER_RANDOM) == MASTER_SECRET

    def test_session_key_blob(self) -> None:
        assert session_key_blob(MASTER_SECRET, CLIENT_RANDOM, SERVER_RANDOM) == SESSION_KEY_BLOB

    def test_keys(self) -> None:
        keys = LicensingKeys.derive(PRE_MASTER_SECRET, CLIENT_RANDOM, SERVER_RANDOM)
        assert keys == LicensingKeys(SESSION_KEY_BLOB[:16], ENCRYPTION_KEY)
        assert "fa44" not in repr(keys)

    def test_challenge_and_mac(self) -> None:
        """A platform challenge with its keys, from the same project's client_platform_challenge_response."""
        keys = LicensingKeys(
            bytes.fromhex("015b9e5f06977158c3b88b8c6e772137"),
            bytes.fromhex("e178e4a02ac5cab8a2d153b80723f3d2"),
        )
        plain = keys.decrypt(bytes.fromhex("26388877cbe8bfce2c51"))
        assert plain == "TEST\0".encode("utf-16-le")
        keys.check_mac("PlatformChallenge", bytes.fromhex("514a272c7418ec8895ddac103e3f0a72"), plain)
        with pytest.raises(InvalidMac, match=r"PlatformChallenge\.MACData: does not match"):
            keys.check_mac("PlatformChallenge", bytes(16), plain)


class TestExamples:
    """MS-RDPELE 4.5: two fields of one message, each with its decrypted form."""

    RESPONSE = bytes.fromhex("fab4e824cf56b24e8002bdb661fcdfe96c44")
    RESPONSE_DATA = bytes.fromhex("000100010300 0a00 54004500530054000000")
    HARDWARE_ID = bytes.fromhex("f8b5e8253d0f3f701dda601916fe731a457e0271")
    HARDWARE_ID_DATA = bytes.fromhex("02000000f159873ec9d898af2402f8f3293af026")

    def test_both_fields_begin_with_the_key_stream(self) -> None:
        """So the cipher begins anew for each field, and does not go on from one to the next."""
        stream = bytes(a ^ b for a, b in zip(self.HARDWARE_ID, self.HARDWARE_ID_DATA, strict=True))
        plain = bytes(a ^ b for a, b in zip(self.RESPONSE, stream, strict=False))
        assert plain == self.RESPONSE_DATA

    def test_ours_begins_anew_too(self) -> None:
        keys = LicensingKeys(bytes(16), ENCRYPTION_KEY)
        assert keys.encrypt(b"first") == rc4(ENCRYPTION_KEY).update(b"first")
        assert keys.decrypt(keys.encrypt(b"second")) == b"second"


def test_a_mac_is_over_all_parts_as_one() -> None:
    keys = LicensingKeys(bytes(range(16)), bytes(16))
    assert keys.mac(b"one", b"two") == keys.mac(b"onetwo")
    assert keys.mac(b"one") != keys.mac(b"two")
