import logging

import pytest

from pyrdpmux.mux.librdpmux import account_check, dbus_service, record_keeper, registered_guest, router
from pyrdpmux.mux.log.rate_limited import RateLimitedLog


@pytest.fixture(autouse=True)
def fresh_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test has complained of is news in the next, however soon that comes."""
    log = RateLimitedLog(logging.getLogger("pyrdpmux.librdpmux"))
    for module in (account_check, record_keeper, router):
        monkeypatch.setattr(module, "log", log)
    monkeypatch.setattr(dbus_service, "refusals", log)
    monkeypatch.setattr(registered_guest, "complaints", log)
