"""What VMs ask for, at their registration or later: their own accounts, and whether viewers must be known."""

from pathlib import Path


class VmOverrides:
    """By the name of the VM; the configuration is asked where there is no wish."""

    def __init__(self) -> None:
        self._accounts: dict[str, Path] = {}
        self._proof: dict[str, bool] = {}

    def accounts(self, name: str | None) -> Path | None:
        return self._accounts.get(name) if name is not None else None

    def proof(self, name: str | None) -> bool | None:
        """Whether viewers must prove who they are; who brings accounts along wants them to be used."""
        if name is None:
            return None
        return self._proof.get(name, True if name in self._accounts else None)

    def set_accounts(self, name: str, path: Path | None) -> None:
        """None: no wish any more."""
        if path is not None:
            self._accounts[name] = path
        else:
            self._accounts.pop(name, None)

    def set_proof(self, name: str, is_required: bool | None) -> None:
        """None: no wish any more."""
        if is_required is not None:
            self._proof[name] = is_required
        else:
            self._proof.pop(name, None)
