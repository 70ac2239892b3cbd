"""Save Session Info and the auto-reconnect cookie (MS-RDPBCGR 2.2.10.1, 5.5)."""

from __future__ import annotations

from typing import Final

from pyrdpmux.rdp.connection.server.link import ServerLink
from pyrdpmux.rdp.pdu.auto_reconnect import AutoReconnectClientCookie, AutoReconnectServerCookie
from pyrdpmux.rdp.pdu.client_info import ClientInfo
from pyrdpmux.rdp.pdu.session_info import (
    LogonInfoExtended,
    PlainNotify,
    SaveSessionInfo,
)
from pyrdpmux.wire.secret import Secret

#: 5.5: the client random of standard RDP security; under TLS there is none and zeros stand for it
NO_CLIENT_RANDOM: Final = bytes(32)

#: Between two cookies. 3.3.6.2 renews them every hour, which is how long one is good: a client that loses its
#: connection is not to be left with one that is about to expire.
COOKIE_SECONDS: Final = 1800.0


def recognise_returning_user(link: ServerLink, info: ClientInfo) -> bool:
    """True when the client presents a cookie that we issued and can prove that it knows it."""
    store = link.config.auto_reconnect
    cookie = info.extra.auto_reconnect_cookie if info.extra is not None else None
    if store is None or not isinstance(cookie, AutoReconnectClientCookie):
        return False
    client_random = link.client_random or NO_CLIENT_RANDOM
    user = store.verify(cookie.logon_id, cookie.security_verifier.reveal(), client_random)
    if user is None:
        link.note("auto-reconnect cookie refused")
        return False
    return True


def greet(link: ServerLink) -> None:
    """Tell the client that its user is logged on, with a cookie for coming back."""
    link.is_greeted = True
    link.send_share_data(SaveSessionInfo(PlainNotify()))
    give_cookie(link)


def give_cookie(link: ServerLink) -> None:
    """A cookie for coming back, where there is a store for them; the next is due in ``COOKIE_SECONDS``."""
    store = link.config.auto_reconnect
    info = link.facts.client_info
    if store is None or info is None:
        return
    link.cookie_due = link.now + COOKIE_SECONDS
    logon_id, random_bits = store.issue(link.secured.user or info.user_name)
    cookie = AutoReconnectServerCookie(logon_id, Secret(random_bits))
    link.send_share_data(SaveSessionInfo(LogonInfoExtended(cookie)))
