"""The registrations on disk, so that a new daemon knows the VMs of the old one.

Nobody registers again when the daemon restarts: the C library connects again to where it was connected, and
expects to be known there.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.messages import DisplaySwitch
from pyrdpmux.mux.librdpmux.pins import Pin
from pyrdpmux.mux.librdpmux.protocol import PROTOCOLS
from pyrdpmux.mux.librdpmux.registration import Registration

log = logging.getLogger("pyrdpmux.librdpmux")

FILE_NAME: Final = "librdpmux.json"
MAX_SIZE: Final = 64 << 20
"""A thousand VMs whose paths and labels are as long as they can be."""

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One VM, as far as a successor must know it."""

    registration: Registration
    address: str
    #: the bus on which the owner's name means something
    bus_id: str = ""
    #: of its console
    port: int = 0
    #: what its messages count from, once that is known
    base: int | None = None
    switch: DisplaySwitch | None = None
    requires_authentication: bool | None = None


class RecordFile:
    """All records in one file, replaced as a whole; none of it is worth stopping for.

    ``on_change`` is told that what is on disk is old; without it, each change is written at once.
    """

    def __init__(self, directory: Path | None, on_change: Callable[[], None] | None = None) -> None:
        """No directory: nothing is kept."""
        self._path = directory / FILE_NAME if directory is not None else None
        self._on_change = on_change or (lambda: self.write(self.text()))
        self._records: dict[str, Record] = {}
        #: as they are written: to make all of them anew for each change of one takes long
        self._texts: dict[str, str] = {}
        self._pins = "{}"

    def load(self) -> tuple[list[Record], dict[str, Pin]]:
        """What the last daemon left: its VMs, and whose those of the configuration are."""
        if self._path is None:
            return [], {}
        try:
            text = self._path.read_text(encoding="utf-8") if self._path.stat().st_size <= MAX_SIZE else ""
        except FileNotFoundError:
            return [], {}
        except (OSError, UnicodeDecodeError) as error:
            log.warning("%s: %s", self._path, error)
            return [], {}
        try:
            values = json.loads(text)
            records = [_read(item) for item in values["vms"]]
            pins = {str(name): Pin(int(uid), label) for name, (uid, label) in values.get("pins", {}).items()}
        except (BackendError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            log.warning("%s: not used, it is not ours: %r", self._path, error)
            return [], {}
        self._records = {record.registration.key: record for record in records}
        self._texts = {key: json.dumps(_write(record)) for key, record in self._records.items()}
        self._pins = _write_pins(pins)
        return records, pins

    def put(self, record: Record) -> None:
        key = record.registration.key
        if self._records.get(key) != record:
            self._records[key] = record
            self._texts[key] = json.dumps(_write(record))
            self._on_change()

    def update(self, key: str, **changes: Any) -> None:
        if key in self._records:
            self.put(replace(self._records[key], **changes))

    def remove(self, key: str) -> None:
        if self._records.pop(key, None) is not None:
            del self._texts[key]
            self._on_change()

    def put_pins(self, pins: Mapping[str, Pin]) -> None:
        text = _write_pins(pins)
        if text != self._pins:
            self._pins = text
            self._on_change()

    def text(self) -> str:
        """What :meth:`write` is to write."""
        return f'{{"format": {_FORMAT}, "pins": {self._pins}, "vms": [{", ".join(self._texts.values())}]}}'

    def write(self, text: str) -> None:
        """On whatever thread."""
        if self._path is None:
            return
        new = self._path.with_name(f".{self._path.name}.new")
        try:
            new.unlink(missing_ok=True)
            with open(
                os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            ) as file:
                file.write(text)
            new.replace(self._path)
        except OSError as error:
            log.warning("%s: not written, a restart will lose VMs: %s", self._path, error)


def _write_pins(pins: Mapping[str, Pin]) -> str:
    return json.dumps({name: [pin.uid, pin.label] for name, pin in pins.items()})


def _write(record: Record) -> dict[str, Any]:
    registration, switch = record.registration, record.switch
    return {
        "id": registration.vm_id,
        "version": registration.version,
        "uuid": registration.uuid,
        "preferred-port": registration.port,
        "accounts": str(registration.accounts) if registration.accounts is not None else None,
        "owner": registration.owner,
        "uid": registration.uid,
        "label": registration.security_label,
        "pid": registration.pid,
        "name": registration.name,
        "address": record.address,
        "bus": record.bus_id,
        "port": record.port,
        "base": record.base,
        "switch": [switch.format, switch.width, switch.height] if switch is not None else None,
        "requires-authentication": record.requires_authentication,
    }


def _read(item: dict[str, Any]) -> Record:
    version, accounts, switch = item["version"], item["accounts"], item["switch"]
    if version not in PROTOCOLS:
        raise ValueError(f"protocol {version!r}")
    return Record(
        registration=Registration(
            vm_id=int(item["id"]),
            version=version,
            uuid=str(item["uuid"]),
            port=int(item["preferred-port"]),
            accounts=Path(accounts) if accounts is not None else None,
            owner=item["owner"],
            uid=item["uid"],
            security_label=item.get("label"),
            pid=item.get("pid"),
            name=item["name"],
        ),
        address=str(item["address"]),
        bus_id=str(item["bus"]),
        port=int(item["port"]),
        base=item["base"],
        switch=DisplaySwitch(*[int(value) for value in switch]) if switch is not None else None,
        requires_authentication=item["requires-authentication"],
    )
