"""From the first byte to ServerInit: versions, security, initialization."""

import re
from dataclasses import replace
from typing import Final, Protocol

from pyrdpmux.errors import AuthenticationFailed, LimitExceeded
from pyrdpmux.rfb.config import RfbConfig
from pyrdpmux.rfb.limits import MAX_SUBTYPES, MAX_TEXT
from pyrdpmux.rfb.security_types import (
    VENCRYPT_VERSION,
    PlainCredentials,
    SecurityType,
    VeNCryptType,
    choose_subtype,
    choose_type,
)
from pyrdpmux.rfb.server_messages import Number, ServerInit
from pyrdpmux.rfb.steps import Step, take, take_text, take_u8, take_u32, wrong
from pyrdpmux.rfb.vnc_password import CHALLENGE_SIZE, response_to
from pyrdpmux.wire import encode
from pyrdpmux.wire.secret import Secret

VERSION_SIZE: Final = 12
_VERSION: Final = re.compile(rb"RFB (\d{3})\.(\d{3})\n")

MAX_NAMED: Final = 8
"""Types that a complaint lists, of those that are offered."""

UNCHECKED: Final = "; its certificate cannot be checked without ca-file=FILE (any-certificate=yes: trust any)"

_SHARED: Final = b"\1"
"""RFC 6143 7.3.1: the others who look at the server stay connected."""


class Link(Protocol):
    """The connection as the handshake sees it."""

    def send_bytes(self, data: bytes) -> None: ...

    def start_tls(self, kind: VeNCryptType) -> None:
        """All bytes from here on, in both directions, are TLS."""


def shake_hands(link: Link, config: RfbConfig) -> Step[tuple[ServerInit, str]]:
    """RFC 6143 7.1 to 7.3. Returns the desktop and its name."""
    minor = yield from _agree_on_version(link)
    if minor == 3:
        yield from _obey(link, config)
    else:
        yield from _choose(link, config, minor)
    link.send_bytes(_SHARED)
    init = yield from take(ServerInit)
    name = yield from take_text(init.name_length, MAX_TEXT)
    return init, name


def _agree_on_version(link: Link) -> Step[int]:
    """RFC 6143 7.1.1: the minor number that both speak: 3, 7 or 8."""
    data = yield VERSION_SIZE
    match = _VERSION.fullmatch(data)
    if match is None:
        raise wrong("ProtocolVersion", f"{data!r}, this is no VNC server")
    version = int(match[1]), int(match[2])
    if version < (3, 3):
        raise wrong("ProtocolVersion", f"{version[0]}.{version[1]}, 3.3 is the oldest")
    # There is no 3.4 to 3.6 (RFC 6143 7.1.1), and what follows 3.8 speaks 3.8 (Apple 3.889, RealVNC 4 and 5).
    minor = 8 if version >= (3, 8) else 7 if version == (3, 7) else 3
    link.send_bytes(b"RFB 003.%03d\n" % minor)
    return minor


def _obey(link: Link, config: RfbConfig) -> Step[None]:
    """Version 3.3: the server decides how."""
    security_type = SecurityType((yield from take_u32()))
    if security_type == SecurityType.INVALID:
        yield from _fail()
    if choose_type([security_type], config.means) is None:
        raise AuthenticationFailed(_no_way([security_type], config))
    yield from _authenticate(link, config, security_type, minor=3)


def _choose(link: Link, config: RfbConfig, minor: int) -> Step[None]:
    """RFC 6143 7.1.2, from version 3.7 on: the server offers, we choose."""
    count = yield from take_u8()
    if not count:
        yield from _fail()
    offered = yield count
    security_type = choose_type(offered, config.means)
    if security_type is None:
        raise AuthenticationFailed(_no_way([SecurityType(kind) for kind in offered], config))
    link.send_bytes(bytes([security_type]))
    yield from _authenticate(link, config, security_type, minor)


def _authenticate(link: Link, config: RfbConfig, security_type: SecurityType, minor: int) -> Step[None]:
    match security_type:
        case SecurityType.VENCRYPT:
            has_result = yield from _authenticate_vencrypt(link, config)
        case SecurityType.VNC_AUTHENTICATION:
            yield from _answer_challenge(link, config.password)
            has_result = True
        case _:
            has_result = False
    if has_result or minor >= 8:
        yield from _take_result(minor)


def _answer_challenge(link: Link, password: Secret[str] | None) -> Step[None]:
    """RFC 6143 7.2.2."""
    challenge = yield CHALLENGE_SIZE
    link.send_bytes(response_to(challenge, password or Secret("")))


def _take_result(minor: int) -> Step[None]:
    """RFC 6143 7.1.3."""
    if (yield from take_u32()) == 0:
        return
    if minor >= 8:
        yield from _fail()
    raise AuthenticationFailed("the VNC server refused us")


def _fail() -> Step[None]:
    """The server says why it does not want us."""
    length = yield from take_u32()
    reason = yield from take_text(min(length, MAX_TEXT), MAX_TEXT)
    printable = "".join([char if char.isprintable() else " " for char in reason[:200]])
    raise AuthenticationFailed(f"the VNC server says: {printable}")


def _no_way(offered: list[SecurityType], config: RfbConfig) -> str:
    names = ", ".join([kind.name for kind in offered[:MAX_NAMED]])
    hint = " and no password is configured" if not config.means.has_password else ""
    insisting = " with a certificate" if config.means.needs_certificate else ""
    return f"the VNC server offers {names}{hint}; nothing{insisting} that can be used"


# -- VeNCrypt ----------------------------------------------------------------------------------------


def _authenticate_vencrypt(link: Link, config: RfbConfig) -> Step[bool]:
    """rfbproto VeNCrypt. Returns whether a result follows whatever the version."""
    version = yield 2
    if tuple(version) < VENCRYPT_VERSION:
        raise wrong("VeNCrypt.version", f"{version[0]}.{version[1]}, 0.2 is the oldest")
    link.send_bytes(bytes(VENCRYPT_VERSION))
    if (yield from take_u8()) != 0:
        raise AuthenticationFailed("the VNC server does not speak version 0.2 of VeNCrypt")
    kind = yield from _choose_subtype(link, config)
    if kind.has_tls:
        if (yield from take_u8()) != 1:
            raise AuthenticationFailed(f"the VNC server is not ready for {kind.name}")
        link.start_tls(kind)
    if kind.wants_vnc_password:
        yield from _answer_challenge(link, config.password)
    elif kind.wants_user:
        password = (config.password or Secret("")).reveal()
        link.send_bytes(encode(PlainCredentials(config.user.encode(), password.encode())))
    return kind.wants_vnc_password or kind.wants_user


def _choose_subtype(link: Link, config: RfbConfig) -> Step[VeNCryptType]:
    count = yield from take_u8()
    if count > MAX_SUBTYPES:
        raise LimitExceeded("VeNCrypt.number-of-subtypes", count, MAX_SUBTYPES)
    offered = []
    for _ in range(count):
        offered.append((yield from take_u32()))
    kind = choose_subtype(offered, config.means)
    if kind is None:
        names = ", ".join([VeNCryptType(number).name for number in offered[:MAX_NAMED]]) or "no type"
        hint = UNCHECKED if choose_subtype(offered, replace(config.means, takes_certificate=True)) else ""
        text = f"the VNC server offers {names} of VeNCrypt, nothing that can be used{hint}"
        raise AuthenticationFailed(text)
    link.send_bytes(encode(Number(kind)))
    return kind
