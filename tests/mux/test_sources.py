from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from pyrdpmux.errors import BackendError, ConfigError
from pyrdpmux.mux.backend import Backend, VmHost
from pyrdpmux.mux.settings.config import Config, VmSettings
from pyrdpmux.mux.settings.config_file import load_config
from pyrdpmux.mux.sources import Sources, _loader, installed_kinds
from tests.mux.recording_sink import RecordingSink
from tests.mux.serving import run
from tests.mux.support.fake_host import FakeHost


class OneVm:
    """A backend that publishes its VM at once."""

    def __init__(self, name: str, address: str, log: list[str]) -> None:
        if address == "bad":
            raise ConfigError("not an address")
        self._name = name
        self._address = address
        self._log = log

    async def start(self, host: VmHost) -> None:
        if self._address == "broken":
            raise BackendError("nobody there")
        self._log.append(f"start {self._name} {self._address}")
        await host.add_vm(self._name, input=RecordingSink())

    async def stop(self) -> None:
        self._log.append(f"stop {self._name} {self._address}")


def config(**sources: str) -> Config:
    return Config(vms={name: VmSettings(source=source) for name, source in sources.items()})


def make() -> tuple[Sources, FakeHost, list[str]]:
    log: list[str] = []
    host = FakeHost()

    def open_backend(name: str, address: str) -> Backend:
        return OneVm(name, address, log)

    return Sources(lambda name: host, {"test": open_backend}), host, log


def test_a_configuration_starts_and_stops_what_differs() -> None:
    async def scenario() -> None:
        sources, host, log = make()
        await sources.use(config(a="test:1", b="test:2", c="test:3"))
        assert log == ["start a 1", "start b 2", "start c 3"]
        log.clear()
        await sources.use(config(a="test:1", b="test:9", d="test:4"))
        assert log == ["stop b 2", "stop c 3", "start b 9", "start d 4"]
        assert host.removed == [("c", "removed from the configuration")]
        assert host.lost == ["b"]
        log.clear()
        await sources.stop()
        assert log == ["stop a 1", "stop b 9", "stop d 4"]

    run(scenario)


def test_one_that_cannot_start_is_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        sources, host, _ = make()
        await sources.use(config(a="test:broken", b="test:2"))
        assert host.added == ["b"]
        assert "VM a, source test:broken: nobody there" in caplog.text

    run(scenario)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("test:bad", "line 2: vms.x.source: not an address"),
        ("tset:1", "line 2: vms.x.source: 'tset', known kinds are test"),
    ],
)
def test_an_error_names_file_line_and_key(tmp_path: Path, source: str, complaint: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(f'[vms.x]\nsource = "{source}"\n')
    sources, _, _ = make()
    with pytest.raises(ConfigError) as caught:
        sources.check(load_config(path))
    assert str(caught.value) == f"{path}, {complaint}"


def test_kinds_of_our_own_are_known() -> None:
    assert {"vnc", "qemu"} <= set(installed_kinds())


def test_a_kind_that_is_not_whole_says_so() -> None:
    open_backend = _loader(EntryPoint("x", "no.such.module:open_backend", "pyrdpmux.backends"))
    with pytest.raises(ConfigError, match="'x' cannot be used: No module named 'no'"):
        open_backend("vm", "address")
