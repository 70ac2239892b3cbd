"""NTLMv2's cryptography (MS-NLMP 3.3.2 and 3.4): responses, keys, signing and sealing.

Only what this project accepts: NTLMv2, extended session security, 128-bit keys.
"""

import hashlib
import hmac
from typing import Final

from pyrdpmux.errors import AuthenticationFailed
from pyrdpmux.rdp.crypto.rc4 import StreamCipher, rc4
from pyrdpmux.rdp.nla.ntlm_messages import NegotiateFlags
from pyrdpmux.wire import Writer

SIGNATURE_SIZE: Final = 16
SIGNATURE_VERSION: Final = 1
_CHECKSUM_SIZE: Final = 8


def _hmac_md5(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "md5")


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def upper(name: str) -> str:
    """Upper case as Windows maps it: one character stays one, so the German sharp s stays as it is."""
    return "".join([char.upper() if len(char.upper()) == 1 else char for char in name])


def response_key(nt_hash: bytes, user: str, domain: str) -> bytes:
    """MS-NLMP 3.3.2 NTOWFv2, from the NT hash that a SAM file holds."""
    return _hmac_md5(nt_hash, (upper(user) + domain).encode("utf-16-le", "surrogatepass"))


def nt_proof(key: bytes, server_challenge: bytes, client_part: bytes) -> bytes:
    """MS-NLMP 3.3.2 NTProofStr over the part of the response that follows it ("temp")."""
    return _hmac_md5(key, server_challenge + client_part)


def session_base_key(key: bytes, proof: bytes) -> bytes:
    """MS-NLMP 3.3.2 SessionBaseKey, which for NTLMv2 is the KeyExchangeKey (3.4.5.1)."""
    return _hmac_md5(key, proof)


def message_integrity(exported_session_key: bytes, *messages: bytes) -> bytes:
    """MS-NLMP 3.1.5.1.2: the MIC over all three messages, the last with its MIC zeroed."""
    return _hmac_md5(exported_session_key, b"".join(messages))


class _Direction:
    """Keys, key stream and sequence number of what one side sends."""

    def __init__(self, exported_session_key: bytes, names: str, encrypts_checksum: bool) -> None:
        self._sign_key = _magic_key(exported_session_key, names, "signing")
        self._seal_key = _magic_key(exported_session_key, names, "sealing")
        self._encrypts_checksum = encrypts_checksum
        self._sequence = 0
        self._cipher: StreamCipher
        self.restart()

    def restart(self) -> None:
        self._cipher = rc4(self._seal_key)

    def crypt(self, data: bytes) -> bytes:
        return self._cipher.update(data)

    def signature(self, message: bytes) -> bytes:
        """MS-NLMP 3.4.4.2 MAC; counts the message."""
        sequence = self._sequence
        self._sequence = (sequence + 1) & 0xFFFFFFFF
        prefix = Writer("SeqNum")
        prefix.u32_le("SeqNum", sequence)
        checksum = _hmac_md5(self._sign_key, prefix.getvalue() + message)[:_CHECKSUM_SIZE]
        w = Writer("NTLMSSP_MESSAGE_SIGNATURE")
        w.u32_le("Version", SIGNATURE_VERSION)
        w.raw("Checksum", self.crypt(checksum) if self._encrypts_checksum else checksum)
        w.u32_le("SeqNum", sequence)
        return w.getvalue()


def _magic_key(exported_session_key: bytes, names: str, purpose: str) -> bytes:
    """MS-NLMP 3.4.5.2 SIGNKEY and 3.4.5.3 SEALKEY."""
    return _md5(exported_session_key + f"session key to {names} {purpose} key magic constant\0".encode())


class NtlmSession:
    """MS-NLMP 3.4: an established security context."""

    def __init__(self, exported_session_key: bytes, flags: NegotiateFlags, is_client: bool) -> None:
        with_key_exchange = bool(flags & NegotiateFlags.KEY_EXCH)
        to_server = _Direction(exported_session_key, "client-to-server", with_key_exchange)
        to_client = _Direction(exported_session_key, "server-to-client", with_key_exchange)
        self._out, self._in = (to_server, to_client) if is_client else (to_client, to_server)

    def sign(self, message: bytes) -> bytes:
        """GSS_GetMICEx."""
        return self._out.signature(message)

    def verify(self, message: bytes, signature: bytes) -> None:
        """GSS_VerifyMICEx. Raises AuthenticationFailed."""
        if not hmac.compare_digest(self._in.signature(message), signature):
            raise AuthenticationFailed("the signature of a message is wrong")

    def wrap(self, message: bytes) -> bytes:
        """GSS_WrapEx as CredSSP uses it: the signature, then the sealed message."""
        sealed = self._out.crypt(message)  # before the checksum: both use one key stream (3.4.3)
        return self._out.signature(message) + sealed

    def unwrap(self, data: bytes) -> bytes:
        """GSS_UnwrapEx. Raises AuthenticationFailed."""
        if len(data) < SIGNATURE_SIZE:
            raise AuthenticationFailed(f"a sealed message of {len(data)} bytes has no room for its signature")
        message = self._in.crypt(data[SIGNATURE_SIZE:])
        self.verify(message, data[:SIGNATURE_SIZE])
        return message

    def sign_mech_list(self, mech_types: bytes) -> bytes:
        """The mechListMIC; MS-SPNG 3.2.5.1: the key stream begins anew after it, the count does not."""
        signature = self.sign(mech_types)
        self._out.restart()
        return signature

    def verify_mech_list(self, mech_types: bytes, signature: bytes) -> None:
        """Check a mechListMIC. Raises AuthenticationFailed."""
        self.verify(mech_types, signature)
        self._in.restart()
