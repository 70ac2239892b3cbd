import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyrdpmux.mux.librdpmux.messages import DisplaySwitch
from pyrdpmux.mux.librdpmux.records import FILE_NAME, Record, RecordFile
from pyrdpmux.mux.librdpmux.registration import Registration

REGISTRATION = Registration(
    vm_id=5,
    version=5,
    uuid="6B8B4567-327b-23c6-643c-986966334873",
    port=4711,
    accounts=Path("/etc/vm.sam"),
    owner=":1.5",
    uid=107,
)
RECORD = Record(
    registration=REGISTRATION,
    address="ipc:///run/pyrdpmux/5.socket",
    bus_id="abc",
    port=4711,
    base=1,
    switch=DisplaySwitch(0x20020888, 800, 600),
    requires_authentication=True,
)
BARE = Record(registration=Registration(vm_id=7), address="ipc:///run/pyrdpmux/7.socket")


def test_they_come_back_as_they_were(tmp_path: Path) -> None:
    file = RecordFile(tmp_path)
    file.put(RECORD)
    file.put(BARE)
    path = tmp_path / FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = RecordFile(tmp_path)
    assert again.load() == ([RECORD, BARE], {})
    again.update(BARE.registration.key, base=0)
    again.update("unknown", base=0)
    again.remove(RECORD.registration.key)
    again.remove("unknown")
    assert RecordFile(tmp_path).load() == ([replace(BARE, base=0)], {})
    assert [found.name for found in tmp_path.iterdir()] == [FILE_NAME]


def test_what_has_not_changed_is_not_written(tmp_path: Path) -> None:
    file = RecordFile(tmp_path)
    file.put(RECORD)
    (tmp_path / FILE_NAME).unlink()
    file.update(RECORD.registration.key, base=1)
    assert not (tmp_path / FILE_NAME).exists()


def test_without_a_directory_nothing_is_kept() -> None:
    file = RecordFile(None)
    file.put(RECORD)
    assert file.load() == ([], {})


def test_a_disk_that_is_full_is_no_reason_to_stop(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    RecordFile(tmp_path / "missing").put(RECORD)
    assert "a restart will lose VMs" in caplog.text


def item(**changes: object) -> dict[str, object]:
    file = {"id": 1, "version": 1, "uuid": "", "preferred-port": 0, "accounts": None, "owner": None}
    more = {"uid": 0, "name": None, "address": "", "bus": "", "port": 0, "base": None, "switch": None}
    return {**file, **more, "requires-authentication": None, **changes}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"vms": 5}',
        '{"vms": [5]}',
        '{"vms": [{}]}',
        "[" * 100000,
        json.dumps({"vms": [item(version=6)]}),
        json.dumps({"vms": [item(version=2)]}),  # without a UUID
        json.dumps({"vms": [item(id=-1)]}),
        json.dumps({"vms": [item(switch=[1, 2])]}),
        json.dumps({"vms": [item(switch=["a", 2, 3])]}),
        json.dumps({"vms": [item(version=[])]}),
        json.dumps({"vms": [item(id={})]}),
    ],
)
def test_a_file_that_is_not_ours_is_not_used(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    assert RecordFile(tmp_path).load() == ([], {})
    assert "not used" in caplog.text


@given(st.binary(max_size=200))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(data)
    assert RecordFile(tmp_path).load() == ([], {})
