"""Security headers on and off, for every method, both ways, both paths."""

import pytest

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.connection.secure import seal, seal_fast_path, unseal, unseal_fast_path
from pyrdpmux.rdp.fastpath.header import FastPathFlags, decode_fast_path
from pyrdpmux.rdp.mcs.client_data import EncryptionMethod
from pyrdpmux.rdp.pdu.security import SecurityFlags, split_basic_header
from pyrdpmux.rdp.standard_security.encryption import StandardSecurity

METHODS = [
    EncryptionMethod.BITS_40,
    EncryptionMethod.BITS_56,
    EncryptionMethod.BITS_128,
    EncryptionMethod.FIPS,
]
RANDOMS = bytes(range(32)), bytes(range(32, 64))
#: around the FIPS block size of 8
SIZES = [0, 1, 7, 8, 9, 100]


def both(method: EncryptionMethod) -> tuple[StandardSecurity, StandardSecurity]:
    return StandardSecurity.for_server(*RANDOMS, method), StandardSecurity.for_client(*RANDOMS, method)


@pytest.mark.parametrize("salted", [False, True])
@pytest.mark.parametrize("to_server", [False, True])
@pytest.mark.parametrize("method", METHODS)
class TestEncrypted:
    def test_slow_path(self, method: EncryptionMethod, to_server: bool, salted: bool) -> None:
        receiver, sender = both(method) if to_server else both(method)[::-1]
        sender.salts_output = salted
        for size in SIZES:
            body = bytes(range(size))
            data = seal(sender, body, SecurityFlags.INFO_PKT, has_header=True)
            flags, plain = unseal(receiver, data, has_header=True, requires_encryption=True)
            assert plain == body
            assert flags & (SecurityFlags.INFO_PKT | SecurityFlags.ENCRYPT) == (
                SecurityFlags.INFO_PKT | SecurityFlags.ENCRYPT
            )
            is_rc4 = method != EncryptionMethod.FIPS
            assert bool(flags & SecurityFlags.SECURE_CHECKSUM) == (salted and is_rc4)

    def test_fast_path(self, method: EncryptionMethod, to_server: bool, salted: bool) -> None:
        receiver, sender = both(method) if to_server else both(method)[::-1]
        sender.salts_output = salted
        for size in SIZES:
            body = bytes(range(size))
            frame = seal_fast_path(sender, body, 3)
            assert unseal_fast_path(receiver, frame, requires_encryption=True) == (body, 3)

    def test_paths_share_one_key_stream(
        self, method: EncryptionMethod, to_server: bool, salted: bool
    ) -> None:
        receiver, sender = both(method) if to_server else both(method)[::-1]
        sender.salts_output = salted
        for number in range(20):
            body = b"packet %d" % number
            if number % 3:
                frame = seal_fast_path(sender, body)
                assert unseal_fast_path(receiver, frame)[0] == body
            else:
                assert unseal(receiver, seal(sender, body, has_header=True), has_header=True)[1] == body

    def test_any_changed_byte_is_noticed(
        self, method: EncryptionMethod, to_server: bool, salted: bool
    ) -> None:
        _, sender = both(method) if to_server else both(method)[::-1]
        sender.salts_output = salted
        data = seal(sender, b"secret words", has_header=True)
        for at in range(len(data) - 20, len(data)):  # signature and cipher text
            receiver, _ = both(method) if to_server else both(method)[::-1]
            wrong = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
            with pytest.raises(DecodeError) as caught:
                unseal(receiver, wrong, has_header=True)
            assert caught.value.path in ("SecurityHeader.dataSignature", "FipsSecurityHeader.padlen")

    def test_the_other_direction_has_other_keys(
        self, method: EncryptionMethod, to_server: bool, salted: bool
    ) -> None:
        _, sender = both(method) if to_server else both(method)[::-1]
        sender.salts_output = salted
        with pytest.raises(DecodeError):
            unseal(sender, seal(sender, b"mirror", has_header=True), has_header=True)

    def test_a_packet_is_good_once(self, method: EncryptionMethod, to_server: bool, salted: bool) -> None:
        receiver, sender = both(method) if to_server else both(method)[::-1]
        sender.salts_output = salted
        data = seal(sender, b"again", has_header=True)
        assert unseal(receiver, data, has_header=True)[1] == b"again"
        with pytest.raises(DecodeError):
            unseal(receiver, data, has_header=True)


def test_the_salted_flag_is_on_the_fast_path_too() -> None:
    _, sender = both(EncryptionMethod.BITS_128)
    sender.salts_output = True
    header = decode_fast_path(seal_fast_path(sender, b"x")).header
    assert header.flags == FastPathFlags.ENCRYPTED | FastPathFlags.SECURE_CHECKSUM


def test_without_keys_there_is_a_basic_header_or_none() -> None:
    assert seal(None, b"body", has_header=False) == b"body"
    assert unseal(None, b"body", has_header=False) == (SecurityFlags(0), b"body")
    data = seal(None, b"body", SecurityFlags.LICENSE_PKT, has_header=True)
    assert data == b"\x80\x00\x00\x00body"
    assert unseal(None, data, has_header=True) == (SecurityFlags.LICENSE_PKT, b"body")
    assert unseal_fast_path(None, seal_fast_path(None, b"body", 5)) == (b"body", 5)


def test_encryption_without_keys_is_refused() -> None:
    _, sender = both(EncryptionMethod.BITS_128)
    with pytest.raises(DecodeError):
        unseal(None, seal(sender, b"x", has_header=True), has_header=True)
    with pytest.raises(DecodeError):
        unseal_fast_path(None, seal_fast_path(sender, b"x"))


def test_plain_text_where_there_are_keys() -> None:
    """A client takes it (licensing, the low level); a server does not."""
    receiver, _ = both(EncryptionMethod.BITS_128)
    plain = seal(None, b"x", has_header=True)
    assert unseal(receiver, plain, has_header=True) == (SecurityFlags(0), b"x")
    with pytest.raises(DecodeError, match="not encrypted"):
        unseal(receiver, plain, has_header=True, requires_encryption=True)
    fast = seal_fast_path(None, b"x", 1)
    assert unseal_fast_path(receiver, fast) == (b"x", 1)
    with pytest.raises(DecodeError, match="not encrypted"):
        unseal_fast_path(receiver, fast, requires_encryption=True)


@pytest.mark.parametrize("method", METHODS)
def test_a_header_that_is_cut_short(method: EncryptionMethod) -> None:
    receiver, sender = both(method)
    data = seal(sender, b"", has_header=True)
    for size in range(len(data)):
        with pytest.raises(DecodeError):
            unseal(receiver, data[:size], has_header=True)


def test_the_header_is_where_the_specification_puts_it() -> None:
    _, sender = both(EncryptionMethod.BITS_128)
    header, rest = split_basic_header(seal(sender, b"four", SecurityFlags.INFO_PKT, has_header=True))
    assert header.flags == SecurityFlags.INFO_PKT | SecurityFlags.ENCRYPT
    assert len(rest) == 8 + 4
