from pathlib import Path

import pytest

from pyrdpmux.mux.config import Config, SecuritySettings
from pyrdpmux.mux.doorkeeper import Doorkeeper, load_certificate


@pytest.fixture(scope="session")
def certificate_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a certificate already: making one takes its time."""
    directory = tmp_path_factory.mktemp("certificate")
    load_certificate(directory)
    return directory


@pytest.fixture
def doorkeeper(certificate_directory: Path) -> Doorkeeper:
    """Lets everybody in over TLS."""
    security = SecuritySettings(nla=False, tls=True)
    return Doorkeeper(Config(certificate_dir=certificate_directory, security=security))
