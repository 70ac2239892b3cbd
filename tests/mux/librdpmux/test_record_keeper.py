import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pyrdpmux.mux.librdpmux import record_keeper
from pyrdpmux.mux.librdpmux.pins import Pin
from pyrdpmux.mux.librdpmux.record_keeper import RecordKeeper
from pyrdpmux.mux.librdpmux.records import FILE_NAME, Record, RecordFile
from pyrdpmux.mux.librdpmux.registration import Registration
from pyrdpmux.net.blocking import BlockingPool


def record(number: int) -> Record:
    return Record(registration=Registration(vm_id=number), address=f"ipc:///run/{number}.socket")


def play(directory: Path | None, scenario: Callable[[RecordKeeper], Awaitable[None]]) -> None:
    async def bounded() -> None:
        files = BlockingPool(seconds=0.05)
        keeper = RecordKeeper(directory, files)
        async with asyncio.timeout(20):
            await scenario(keeper)
            await keeper.stop()
        files.close()

    asyncio.run(bounded())


def on_disk(directory: Path) -> list[int]:
    return [item["id"] for item in json.loads((directory / FILE_NAME).read_text())["vms"]]


def test_what_is_flushed_is_on_disk(tmp_path: Path) -> None:
    async def scenario(keeper: RecordKeeper) -> None:
        for number in range(3):
            keeper.file.put(record(number))
            await keeper.flush()
            assert on_disk(tmp_path) == list(range(number + 1))
        keeper.file.put_pins({"a": Pin(7, "label")})
        await keeper.stop()
        assert RecordFile(tmp_path).load() == ([record(0), record(1), record(2)], {"a": Pin(7, "label")})

    play(tmp_path, scenario)


def test_changes_of_a_moment_are_written_at_once_and_on_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    write = RecordFile.write

    def counting(file: RecordFile, text: str) -> None:
        threads.append(threading.current_thread())
        write(file, text)

    monkeypatch.setattr(RecordFile, "write", counting)

    async def scenario(keeper: RecordKeeper) -> None:
        for number in range(1000):
            keeper.file.put(record(number))
            if number % 100 == 0:
                await asyncio.sleep(0)
        await keeper.flush()
        assert on_disk(tmp_path) == list(range(1000))
        assert 1 <= len(threads) <= 5
        assert threading.main_thread() not in threads

    play(tmp_path, scenario)


def test_a_disk_that_hangs_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    goes_on = threading.Event()
    monkeypatch.setattr(RecordFile, "write", lambda file, text: goes_on.wait(5))

    async def scenario(keeper: RecordKeeper) -> None:
        keeper.file.put(record(1))
        await keeper.flush()
        assert "A restart will lose VMs" in caplog.text
        goes_on.set()

    play(tmp_path, scenario)
    assert record_keeper.WRITE_INTERVAL < 1


def test_nothing_is_kept_without_a_directory() -> None:
    async def scenario(keeper: RecordKeeper) -> None:
        keeper.file.put(record(1))
        await keeper.flush()

    play(None, scenario)
