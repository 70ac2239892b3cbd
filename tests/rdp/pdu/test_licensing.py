"""Licensing: the short way, and every message of the long one."""

from typing import Any

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.rdp.pdu.licensing import (
    MESSAGE_TYPES,
    VALID_CLIENT,
    LicensingPdu,
    MessageType,
    PreambleFlags,
    UnknownLicensingMessage,
)
from pyrdpmux.rdp.pdu.licensing.blob import BlobType, LicenseBlob
from pyrdpmux.rdp.pdu.licensing.challenge import (
    ClientHardwareId,
    ClientType,
    LicenseDetailLevel,
    PlatformChallenge,
    PlatformChallengeResponse,
    PlatformChallengeResponseData,
)
from pyrdpmux.rdp.pdu.licensing.error import LicenseError, LicenseErrorCode, StateTransition
from pyrdpmux.rdp.pdu.licensing.license import NewLicense, NewLicenseInfo, UpgradeLicense
from pyrdpmux.rdp.pdu.licensing.request import (
    LicenseInformation,
    NewLicenseRequest,
    ProductInfo,
    ServerLicenseRequest,
)
from pyrdpmux.wire import decode, encode
from tests.rdp.pdu.properties import Case, property_tests, short_bytes, structure, u16, u32
from tests.rows import Row, row_tests

BLOBS = st.builds(LicenseBlob, u16.map(BlobType), short_bytes)
RANDOM = st.binary(min_size=32, max_size=32)
MAC = st.binary(min_size=16, max_size=16)


def message(cls: type, *values: st.SearchStrategy[Any]) -> Case:
    flags = st.sampled_from([PreambleFlags(0), PreambleFlags.EXTENDED_ERROR_MSG_SUPPORTED])
    return structure(LicensingPdu, st.builds(cls, *values), st.integers(0, 15), flags)


ROWS = [
    Row(
        "valid client (Windows Server 2016, shared/vectors Example_1)",
        VALID_CLIENT,
        "ff 03 1000 07000000 02000000 0400 0000",
    ),
    Row(
        "license request (Windows Server 2016, shared/vectors Example_1)",
        LicensingPdu(
            message=ServerLicenseRequest(
                server_random=bytes.fromhex(
                    "2ebd0667a4eec72b81663753c947e908c26a499f79171760ec0baa25ff49abc2"
                ),
                product_info=ProductInfo(
                    version=655360,
                    company_name=bytes.fromhex(
                        "4d006900630072006f0073006f0066007400200043006f00720070006f0072006100740069006f006e000000"
                    ),
                    product_id=b"A\x000\x002\x00\x00\x00",
                ),
                key_exchange_list=LicenseBlob(type=BlobType.KEY_EXCHANGE_ALGORITHM, data=b"\x01\x00\x00\x00"),
                server_certificate=LicenseBlob(
                    type=BlobType.CERTIFICATE,
                    data=bytes.fromhex(
                        "01000000010000000100000006001c01525341310801000000080000ff00000001000100b3618beb1fc50dbc0df26638622b0af9d0dbc56a84af3a6bab7de486734f3aa13136f3a57384c8a8fb1384e32e53970c5403885fd1d26bd928f2b357d2258023c7710bc444bcded69298cb70616c28cec7deaa8bf3a1d90f33250059752fea005ae97bcd64ea69199bbe7369b6730b8e2087e19292c34fccc658c0f53f1194ffdb72c651cf76ccf63010d94cc5b2e300c2a447bf4281be24c26d80489c9b27b41dfe7d0409cb1c2c920c0559c7d0c14fdb2f47e40e59062c585c67fa2a3dae90aa14576004bfc472beb6961254ab03087ee8f9df15c6531682281f137a88bdbe1dc0101dc993f50902c9531587498342e27916fcbdf32d2a6bcb07b8e0dcc596000000000000000008004800b18392312915d860e7c6035ad116c82536c240131cb66e76596d560baf984d88fe954e5870f3cc936ff8aec4a198ebda984fe79b50607596d6bdb4d1df7ec5000000000000000000"
                    ),
                ),
                scopes=(
                    LicenseBlob(type=BlobType.SCOPE, data=bytes.fromhex("6d6963726f736f66742e636f6d00")),
                ),
            )
        ),
        """01 03 fe01  # header
           2ebd0667a4eec72b81663753c947e908c26a499f79171760ec0baa25ff49abc2  # ServerLicenseRequest
           00000a00 2c000000
           4d006900630072006f0073006f0066007400200043006f00720070006f00720061007400
           69006f006e000000 08000000 4100300032000000  # ProductInfo
           0d00 0400 01000000  # KeyExchangeList
           0300 7801
           01000000010000000100000006001c01525341310801000000080000ff00000001000100
           b3618beb1fc50dbc0df26638622b0af9d0dbc56a84af3a6bab7de486734f3aa13136f3a5
           7384c8a8fb1384e32e53970c5403885fd1d26bd928f2b357d2258023c7710bc444bcded6
           9298cb70616c28cec7deaa8bf3a1d90f33250059752fea005ae97bcd64ea69199bbe7369
           b6730b8e2087e19292c34fccc658c0f53f1194ffdb72c651cf76ccf63010d94cc5b2e300
           c2a447bf4281be24c26d80489c9b27b41dfe7d0409cb1c2c920c0559c7d0c14fdb2f47e4
           0e59062c585c67fa2a3dae90aa14576004bfc472beb6961254ab03087ee8f9df15c65316
           82281f137a88bdbe1dc0101dc993f50902c9531587498342e27916fcbdf32d2a6bcb07b8
           e0dcc596000000000000000008004800b18392312915d860e7c6035ad116c82536c24013
           1cb66e76596d560baf984d88fe954e5870f3cc936ff8aec4a198ebda984fe79b50607596
           d6bdb4d1df7ec5000000000000000000  # ServerCertificate
           01000000  # ServerLicenseRequest
           0e00 0e00 6d6963726f736f66742e636f6d00  # ScopeArray[0]""",
    ),
    Row(
        "new license request (mstsc, shared/vectors Example_1)",
        LicensingPdu(
            message=NewLicenseRequest(
                client_random=bytes.fromhex(
                    "d2caa49242a3989f8b442304afea7297c8a62d6b878d39fc36e62d1e33a5923d"
                ),
                encrypted_pre_master_secret=LicenseBlob(
                    type=BlobType.ANY,
                    data=bytes.fromhex(
                        "1471172864559fc7ea5d0117b7a3b919dbfef77171ffe4ddb0ac0e64800156be5980d32e58823ebdcac16234a431f0b0c6710c0eed5ed9d7a001f94b9f55b968ef07a2af7c4f3f88eb8f71de40fdf2d4ad11c377f1ff87d6796ba5ebe0e0735917612c66bc9cabaf270a2869d55debf582f38818281b04ab7bdaf9a250325a016ee056189da8e44d867831d9193d25a2553829d9adc14760debf8acf92f424d6decd50f168863dc705c2c3fe3f3b123583f34385069d4f487695ced3df96252366c6fa8aac450b057d873a2f08bf593e12de523379dd252fd1c77fea2fccaa1e9a73684738c49b16bebcf0510e3d3e7c5be3c9027b20f13ba263d72d7874316a0000000000000000"
                    ),
                ),
                client_user_name=LicenseBlob(
                    type=BlobType.CLIENT_USER_NAME, data=bytes.fromhex("41646d696e6973747261746f7200")
                ),
                client_machine_name=LicenseBlob(
                    type=BlobType.CLIENT_MACHINE_NAME, data=bytes.fromhex("454e44504f494e5400")
                ),
                platform_id=134283264,
            ),
            flags=PreambleFlags.EXTENDED_ERROR_MSG_SUPPORTED,
        ),
        """13 83 5701  # header
           01000000 00000108
           d2caa49242a3989f8b442304afea7297c8a62d6b878d39fc36e62d1e33a5923d  # NewLicenseRequest
           0000 0801
           1471172864559fc7ea5d0117b7a3b919dbfef77171ffe4ddb0ac0e64800156be5980d32e
           58823ebdcac16234a431f0b0c6710c0eed5ed9d7a001f94b9f55b968ef07a2af7c4f3f88
           eb8f71de40fdf2d4ad11c377f1ff87d6796ba5ebe0e0735917612c66bc9cabaf270a2869
           d55debf582f38818281b04ab7bdaf9a250325a016ee056189da8e44d867831d9193d25a2
           553829d9adc14760debf8acf92f424d6decd50f168863dc705c2c3fe3f3b123583f34385
           069d4f487695ced3df96252366c6fa8aac450b057d873a2f08bf593e12de523379dd252f
           d1c77fea2fccaa1e9a73684738c49b16bebcf0510e3d3e7c5be3c9027b20f13ba263d72d
           7874316a0000000000000000  # EncryptedPreMasterSecret
           0f00 0e00 41646d696e6973747261746f7200  # ClientUserName
           1000 0900 454e44504f494e5400  # ClientMachineName""",
    ),
    Row(
        "platform challenge (Windows Server 2016, shared/vectors Example_4)",
        LicensingPdu(
            message=PlatformChallenge(
                encrypted_platform_challenge=LicenseBlob(
                    type=BlobType(0xE7C4), data=bytes.fromhex("9737523e1e0ab1e25d4a")
                ),
                mac_data=bytes.fromhex("d603df981a4165deb7e5b7f2c56ef6da"),
                connect_flags=3400638080,
            )
        ),
        """02 03 2600  # header
           809eb1ca  # PlatformChallenge
           c4e7 0a00 9737523e1e0ab1e25d4a  # EncryptedPlatformChallenge
           d603df981a4165deb7e5b7f2c56ef6da  # PlatformChallenge""",
    ),
    Row(
        "platform challenge response (mstsc, shared/vectors Example_4)",
        LicensingPdu(
            message=PlatformChallengeResponse(
                encrypted_platform_challenge_response=LicenseBlob(
                    type=BlobType.DATA, data=bytes.fromhex("c336173f4e0aefe2094a5d0afc82e9ad6325")
                ),
                encrypted_hwid=LicenseBlob(
                    type=BlobType.DATA, data=bytes.fromhex("c137173eb6f54c61e2ed0c4d02bc927adabffcde")
                ),
                mac_data=bytes.fromhex("9c87b7dad378afeed3a9fa58c5041424"),
            ),
            flags=PreambleFlags.EXTENDED_ERROR_MSG_SUPPORTED,
        ),
        """15 83 4200  # header
           0100 1200 c336173f4e0aefe2094a5d0afc82e9ad6325  # EncryptedPlatformChallengeResponse
           0100 1400 c137173eb6f54c61e2ed0c4d02bc927adabffcde  # EncryptedHWID
           9c87b7dad378afeed3a9fa58c5041424  # PlatformChallengeResponse""",
    ),
    Row(
        "license information (MS-RDPELE 2.2.2.3, constructed)",
        LicensingPdu(
            LicenseInformation(
                bytes(range(32)),
                LicenseBlob(BlobType.RANDOM, b"\1"),
                LicenseBlob(BlobType.DATA, b"\2\2"),
                LicenseBlob(BlobType.ENCRYPTED_DATA, b"\3"),
                bytes(range(16)),
                0x04010000,
            )
        ),
        """12 03 4c00 01000000 00000104
           000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
           0200 0100 01  0100 0200 0202  0900 0100 03
           000102030405060708090a0b0c0d0e0f""",
    ),
    Row(
        "new license (MS-RDPELE 2.2.2.7, constructed)",
        LicensingPdu(NewLicense(LicenseBlob(BlobType.ENCRYPTED_DATA, b"\1\2"), bytes(16)), 2),
        "03 02 1a00 0900 0200 0102 00000000000000000000000000000000",
    ),
    Row(
        "upgrade license, extended errors supported (MS-RDPELE 2.2.2.6, constructed)",
        LicensingPdu(
            UpgradeLicense(LicenseBlob(BlobType.ENCRYPTED_DATA), bytes(16)),
            flags=PreambleFlags.EXTENDED_ERROR_MSG_SUPPORTED,
        ),
        "04 83 1800 0900 0000 00000000000000000000000000000000",
    ),
    Row(
        "unknown message (constructed)",
        LicensingPdu(UnknownLicensingMessage(MessageType(0x20), b"\1")),
        "20 03 0500 01",
    ),
]

DECRYPTED = [
    Row(
        "platform challenge response data (MS-RDPELE 4.5, decrypted)",
        PlatformChallengeResponseData("TEST\0".encode("utf-16-le"), ClientType.WIN32),
        "0001 0001 0300 0a00 54004500530054000000",
    ),
    Row(
        "client hardware identification (MS-RDPELE 4.5, decrypted)",
        ClientHardwareId(2, bytes.fromhex("f159873ec9d898af2402f8f3293af026")),
        "02000000 f159873e c9d898af 2402f8f3 293af026",
    ),
    Row(
        "new license information (MS-RDPELE 4.6, decrypted, its license cut short)",
        NewLicenseInfo(
            0x00060000,
            b"microsoft.com\0",
            "Microsoft Corporation\0".encode("utf-16-le"),
            "A02\0".encode("utf-16-le"),
            bytes.fromhex("30820795"),
        ),
        """00000600
           0e000000 6d6963726f736f66742e636f6d00
           2c000000
           4d006900630072006f0073006f0066007400200043006f00720070006f00720061007400
           69006f006e000000
           08000000 4100300032000000
           04000000 30820795""",
    ),
]

TestRows = row_tests(ROWS + DECRYPTED)

CASES = {
    "license request": message(
        ServerLicenseRequest,
        RANDOM,
        st.builds(ProductInfo, u32, short_bytes, short_bytes),
        BLOBS,
        BLOBS,
        st.lists(BLOBS, max_size=3).map(tuple),
    ),
    "new license request": message(NewLicenseRequest, RANDOM, BLOBS, BLOBS, BLOBS, u32, u32),
    "license information": message(LicenseInformation, RANDOM, BLOBS, BLOBS, BLOBS, MAC, u32, u32),
    "challenge": message(PlatformChallenge, BLOBS, MAC, u32),
    "response": message(PlatformChallengeResponse, BLOBS, BLOBS, MAC),
    "new license": message(NewLicense, BLOBS, MAC),
    "upgrade license": message(UpgradeLicense, BLOBS, MAC),
    "response data": structure(
        PlatformChallengeResponseData,
        short_bytes,
        u16.map(ClientType),
        u16.map(LicenseDetailLevel),
        u16,
    ),
    "hardware": structure(ClientHardwareId, u32, st.binary(min_size=16, max_size=16)),
    "license": structure(NewLicenseInfo, u32, short_bytes, short_bytes, short_bytes, short_bytes),
    "error": message(LicenseError, u32.map(LicenseErrorCode), u32.map(StateTransition), BLOBS),
}

TestProperties = property_tests(CASES)


def test_every_message_type_has_a_class() -> None:
    assert set(MESSAGE_TYPES) == set(MessageType)


def test_too_many_scopes_are_refused_before_they_are_read() -> None:
    blob = LicenseBlob(BlobType.ANY)
    request = ServerLicenseRequest(bytes(32), ProductInfo(0, b"", b""), blob, blob, (blob,) * 65)
    with pytest.raises(DecodeError, match="65, at most 64 allowed"):
        decode(LicensingPdu, encode(LicensingPdu(request)))


def test_a_size_below_the_preamble_is_refused() -> None:
    with pytest.raises(DecodeError, match="negative size -1"):
        decode(LicensingPdu, bytes.fromhex("ff 03 0300"))


def test_a_version_beyond_its_four_bits_is_not_written() -> None:
    with pytest.raises(EncodeError, match="overlap"):
        encode(LicensingPdu(VALID_CLIENT.message, 0x13))
