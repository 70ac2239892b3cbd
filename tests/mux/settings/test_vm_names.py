import pytest

from pyrdpmux.mux.settings.vm_names import vm_name


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("BA1B6DBD-89AC-4630-A737-C4BCC3BB99FB", "ba1b6dbd-89ac-4630-a737-c4bcc3bb99fb"),
        ("Mail", "Mail"),
        ("BA1B6DBD-89AC-4630-A737-C4BCC3BB99FB ", "BA1B6DBD-89AC-4630-A737-C4BCC3BB99FB "),
        ("", ""),
    ],
)
def test_a_uuid_is_one_name(said: str, name: str) -> None:
    assert vm_name(said) == name
