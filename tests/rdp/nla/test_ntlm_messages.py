"""NTLM messages: MS-NLMP's examples, FreeRDP's and mstsc's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.rdp.nla.ntlm_av_pairs import AvFlags, AvId, AvPair, AvPairs
from pyrdpmux.rdp.nla.ntlm_messages import (
    MIC_OFFSET,
    AuthenticateMessage,
    ChallengeMessage,
    NegotiateFlags,
    NegotiateMessage,
    Ntlmv2Response,
    Version,
)
from pyrdpmux.rdp.nla.ntlm_session import message_integrity, nt_proof, response_key, session_base_key
from pyrdpmux.rdp.nla.ts_request import TSRequest
from pyrdpmux.wire import decode, encode
from tests.rdp.nla.support import VECTORS, recorded_units
from tests.rows import Row, row_tests


def utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


MSTSC_FLAGS = NegotiateFlags(0xE20882B7)
EXAMPLE_FLAGS = NegotiateFlags(0xE28A8233)
NAMES = AvPairs(
    (AvPair(AvId.NB_DOMAIN_NAME, utf16("Domain")), AvPair(AvId.NB_COMPUTER_NAME, utf16("Server")))
)
NAMES_HEX = "0200 0c00 44006f006d00610069006e00 0100 0c00 530065007200760065007200 00000000"
RESPONSE_HEX = f"""68cd0ab851e51c96aabc927bebef6a1c   # NTProofStr
    0101 0000 00000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000
    {NAMES_HEX}
    00000000                              # Z(4)"""

NEGOTIATE_ROWS = [
    Row(
        "negotiate (mstsc, shared/vectors Example_4)",
        NegotiateMessage(MSTSC_FLAGS, version=Version(10, 0, 16299)),
        """4e544c4d53535000 01000000 b78208e2   # signature, type, flags
           0000 0000 00000000                   # DomainNameFields
           0000 0000 00000000                   # WorkstationFields
           0a 00 ab3f 000000 0f                 # Version""",
        valid_prefixes=tuple(range(32, 40)),
        refuses_trailing=False,
    ),
    Row(
        "negotiate with names, without version (constructed)",
        NegotiateMessage(
            NegotiateFlags.OEM_DOMAIN_SUPPLIED | NegotiateFlags.OEM_WORKSTATION_SUPPLIED, b"DOM", b"PC"
        ),
        "4e544c4d53535000 01000000 00300000 0300 0300 20000000 0200 0200 23000000 444f4d 5043",
        refuses_trailing=False,
    ),
]
CHALLENGE_ROWS = [
    Row(
        "challenge (MS-NLMP 4.2.4.3)",
        ChallengeMessage(
            EXAMPLE_FLAGS, bytes.fromhex("0123456789abcdef"), utf16("Server"), NAMES, Version(6, 0, 6000)
        ),
        f"""4e544c4d53535000 02000000
            0c00 0c00 38000000                  # TargetNameFields
            33828ae2 0123456789abcdef           # flags, ServerChallenge
            0000000000000000                    # Reserved
            2400 2400 44000000                  # TargetInfoFields
            06 00 7017 000000 0f                # Version
            530065007200760065007200            # TargetName
            {NAMES_HEX}                         # TargetInfo""",
        refuses_trailing=False,
    ),
    Row(
        "challenge without anything (constructed)",
        ChallengeMessage(NegotiateFlags.NTLM, b"\x11" * 8),
        """4e544c4d53535000 02000000 0000 0000 30000000 00020000 1111111111111111 0000000000000000
           0000 0000 30000000""",
        refuses_trailing=False,
    ),
]
AUTHENTICATE_ROWS = [
    Row(
        "authenticate, without MIC (MS-NLMP 4.2.4.3)",
        AuthenticateMessage(
            NegotiateFlags(0xE2888235),
            utf16("Domain"),
            utf16("User"),
            utf16("COMPUTER"),
            bytes.fromhex("86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa"),
            encode(Ntlmv2Response(bytes.fromhex("68cd0ab851e51c96aabc927bebef6a1c"), 0, b"\xaa" * 8, NAMES)),
            bytes.fromhex("c5dad2544fc9799094ce1ce90bc9d03e"),
            Version(5, 1, 2600),
        ),
        f"""4e544c4d53535000 03000000
            1800 1800 6c000000 5400 5400 84000000 0c00 0c00 48000000   # LM, NT, domain
            0800 0800 54000000 1000 1000 5c000000 1000 1000 d8000000   # user, workstation, key
            358288e2 05 01 280a 000000 0f
            44006f006d00610069006e00 5500730065007200 43004f004d0050005500540045005200
            86c35097ac9cec102554764a57cccc19 aaaaaaaaaaaaaaaa          # LMv2 response
            {RESPONSE_HEX}
            c5dad2544fc9799094ce1ce90bc9d03e                           # EncryptedRandomSessionKey""",
        refuses_trailing=False,
    ),
    Row(
        "authenticate, anonymous with MIC (constructed)",
        AuthenticateMessage(NegotiateFlags.ANONYMOUS, b"", b"", version=Version(), mic=b"\x77" * 16),
        "4e544c4d53535000 03000000"
        + "0000 0000 58000000" * 6
        + "00080000 0a00 0000 000000 0f 77777777777777777777777777777777",
        valid_prefixes=tuple(range(64, 88)),
        refuses_trailing=False,
    ),
]
RESPONSE_ROWS = [
    Row(
        "NTLMv2 response (MS-NLMP 4.2.4.3)",
        Ntlmv2Response(bytes.fromhex("68cd0ab851e51c96aabc927bebef6a1c"), 0, b"\xaa" * 8, NAMES),
        RESPONSE_HEX,
        valid_prefixes=(80, 81, 82, 83),
        refuses_trailing=False,
    )
]

TestNegotiate = row_tests(NEGOTIATE_ROWS)
TestChallenge = row_tests(CHALLENGE_ROWS)
TestAuthenticate = row_tests(AUTHENTICATE_ROWS)
TestResponse = row_tests(RESPONSE_ROWS)


def freerdp(name: str) -> bytes:
    path = VECTORS / "freerdp" / "c-arrays" / f"TestSspiNTLM.TEST_NTLM_{name}.bin"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path.read_bytes()


def test_freerdp_s_messages_come_back_byte_for_byte() -> None:
    negotiate = decode(NegotiateMessage, freerdp("NEGOTIATE"))
    challenge = decode(ChallengeMessage, freerdp("CHALLENGE"))
    authenticate = decode(AuthenticateMessage, freerdp("AUTHENTICATE"))
    assert encode(negotiate) == freerdp("NEGOTIATE")
    assert encode(challenge) == freerdp("CHALLENGE")
    assert encode(authenticate) == freerdp("AUTHENTICATE")
    assert challenge.target_info is not None
    assert challenge.target_info.get(AvId.DNS_DOMAIN_NAME) == utf16("lab.wayk.local")
    assert authenticate.user_name == utf16("Username")
    response = decode(Ntlmv2Response, authenticate.nt_challenge_response)
    assert response.client_challenge == freerdp("CLIENT_CHALLENGE")


def test_freerdp_s_proof_and_mic_are_right() -> None:
    negotiate, challenge, data = freerdp("NEGOTIATE"), freerdp("CHALLENGE"), freerdp("AUTHENTICATE")
    authenticate = decode(AuthenticateMessage, data)
    key = response_key(freerdp("HASH"), "Username", "Domain")
    proof, client_part = (
        authenticate.nt_challenge_response[:16],
        authenticate.nt_challenge_response[16:],
    )
    assert nt_proof(key, freerdp("SERVER_CHALLENGE"), client_part) == proof
    # Without KEY_EXCH the session base key is the exported one.
    assert not authenticate.flags & NegotiateFlags.KEY_EXCH
    unsigned = data[:MIC_OFFSET] + bytes(16) + data[MIC_OFFSET + 16 :]
    mic = message_integrity(session_base_key(key, proof), negotiate, challenge, unsigned)
    assert mic == authenticate.mic


def test_mstsc_s_messages_come_back_byte_for_byte() -> None:
    seen = []
    for name, data in recorded_units("tsreq"):
        token = decode(TSRequest, data).nego_token
        if token is None or not token.startswith(b"NTLMSSP\0"):
            continue
        cls = {1: NegotiateMessage, 2: ChallengeMessage, 3: AuthenticateMessage}[token[8]]
        message: object = decode(cls, token)
        assert encode(message) == token, name  # type: ignore[arg-type]
        seen.append(message)
    assert len(seen) == 3
    authenticate = seen[2]
    assert isinstance(authenticate, AuthenticateMessage)
    response = decode(Ntlmv2Response, authenticate.nt_challenge_response)
    assert response.av_pairs.flags == AvFlags.MIC_PRESENT
    assert response.av_pairs.get(AvId.CHANNEL_BINDINGS) is not None
    assert authenticate.mic is not None


def test_names_are_ignored_without_their_flag() -> None:
    data = bytearray(NEGOTIATE_ROWS[1].data)
    data[12:16] = bytes(4)
    assert decode(NegotiateMessage, bytes(data)) == NegotiateMessage(NegotiateFlags(0))


@pytest.mark.parametrize("offset", [0, 47, 1000, 0xFFFFFFFF])
def test_a_part_outside_the_payload_is_named(offset: int) -> None:
    data = bytearray(CHALLENGE_ROWS[0].data)
    data[16:20] = offset.to_bytes(4, "little")
    with pytest.raises(DecodeError) as caught:
        decode(ChallengeMessage, bytes(data))
    assert caught.value.path == "ChallengeMessage.TargetNameBufferOffset"


def test_another_message_is_named() -> None:
    with pytest.raises(DecodeError, match="2, expected 1"):
        decode(NegotiateMessage, CHALLENGE_ROWS[0].data)
    with pytest.raises(DecodeError, match="NTLMSSP"):
        decode(NegotiateMessage, b"NTLMSSX\0" + bytes(40))


def test_a_mic_needs_a_version_in_front() -> None:
    with pytest.raises(EncodeError, match="Version"):
        encode(AuthenticateMessage(NegotiateFlags(0), b"", b"", mic=bytes(16)))


@given(
    st.tuples(st.binary(max_size=9), st.binary(max_size=9), st.binary(max_size=9)),
    st.tuples(st.binary(max_size=9), st.binary(max_size=9), st.binary(max_size=9)),
    st.one_of(st.none(), st.binary(min_size=16, max_size=16)),
)
def test_parts_of_any_size_round_trip(
    names: tuple[bytes, bytes, bytes], blobs: tuple[bytes, bytes, bytes], mic: bytes | None
) -> None:
    message = AuthenticateMessage(MSTSC_FLAGS, *names, *blobs, Version(), mic)
    if not any(names + blobs):
        return  # without a payload nothing tells whether a MIC is there
    assert decode(AuthenticateMessage, encode(message)) == message


@given(st.integers(1, 3), st.binary(max_size=200))
def test_random_bytes_raise_decode_errors_only(kind: int, data: bytes) -> None:
    message = b"NTLMSSP\0" + bytes([kind, 0, 0, 0]) + data
    for cls in (NegotiateMessage, ChallengeMessage, AuthenticateMessage, Ntlmv2Response):
        try:
            value: object = decode(cls, message)
        except DecodeError:
            continue
        encode(value)  # type: ignore[arg-type]
