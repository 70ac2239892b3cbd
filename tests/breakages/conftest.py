from pathlib import Path

import pytest

from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.admission.identities import load_certificate
from pyrdpmux.mux.settings.config import Config, SecuritySettings


@pytest.fixture(scope="session")
def certificate_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a certificate already: making one takes its time."""
    directory = tmp_path_factory.mktemp("certificate")
    load_certificate(directory)
    return directory


@pytest.fixture
def factory(certificate_directory: Path) -> ConnectionFactory:
    """Lets everybody in over TLS."""
    security = SecuritySettings(nla=False, tls=True)
    return ConnectionFactory(Config(certificate_dir=certificate_directory, security=security))
