"""The cookies that let a viewer whose network dropped come back without its password.

MS-RDPBCGR 5.5: the server hands out 16 random bytes under a logon id; the client returns
HMAC-MD5(those bytes, client random). Each VM has its own store, so a cookie opens only what its user saw.
"""

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pyrdpmux.rdp.standard_security.encryption import security_verifier

RANDOM_SIZE: Final = 16
MAX_COOKIES: Final = 256
"""Per VM; the oldest goes first. A user whose cookie is gone types the password again."""

MAX_STORES: Final = 1000
"""VMs that cookies are kept of; as many as may be there at a time."""

LIFETIME_SECONDS: Final = 3600.0
"""The specification has servers renew a cookie every hour."""


@dataclass(frozen=True, slots=True)
class _Cookie:
    user: str
    random_bits: bytes
    expires: float


class CookieStore:
    """Issues and verifies; in memory only, so a restart of the daemon asks everybody again."""

    def __init__(self, entropy: Callable[[int], bytes], clock: Callable[[], float]) -> None:
        self._entropy = entropy
        self._clock = clock
        self._cookies: OrderedDict[int, _Cookie] = OrderedDict()

    def __len__(self) -> int:
        return len(self._cookies)

    def issue(self, user: str) -> tuple[int, bytes]:
        """A fresh (logon_id, random_bits) for a user who is logged on now."""
        logon_id = int(self._entropy(4).hex(), 16)
        random_bits = self._entropy(RANDOM_SIZE)
        self._cookies[logon_id] = _Cookie(user, random_bits, self._clock() + LIFETIME_SECONDS)
        self._cookies.move_to_end(logon_id)
        while len(self._cookies) > MAX_COOKIES:
            self._cookies.popitem(last=False)
        return logon_id, random_bits

    def verify(self, logon_id: int, verifier: bytes, client_random: bytes) -> str | None:
        """The user who may come back, or None. A right cookie is used up; a wrong one tells nothing."""
        cookie = self._cookies.get(logon_id)
        if cookie is None:
            return None
        if not hmac.compare_digest(security_verifier(cookie.random_bits, client_random), verifier):
            return None
        del self._cookies[logon_id]
        return cookie.user if self._clock() < cookie.expires else None


class CookieStores:
    """The store of each VM, by name; of so many at most, since names come and go for as long as we run."""

    def __init__(self, entropy: Callable[[int], bytes], clock: Callable[[], float] = time.monotonic) -> None:
        self._entropy = entropy
        self._clock = clock
        self._stores: OrderedDict[str | None, CookieStore] = OrderedDict()

    def of(self, name: str | None) -> CookieStore:
        """Made at the first question; the one that nobody has asked for the longest time goes first."""
        store = self._stores.setdefault(name, CookieStore(self._entropy, self._clock))
        self._stores.move_to_end(name)
        while len(self._stores) > MAX_STORES:
            self._stores.popitem(last=False)
        return store
