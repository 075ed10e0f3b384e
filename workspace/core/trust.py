"""Servers and key variables that a workspace's settings name are confirmed once on each machine, by the user.

A workspace from somebody else could otherwise send texts, and a key from the environment, to any server.
"""

import hashlib
import json
import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import DiskError, UntrustedError, WorkspaceError

VARIABLE = "TAXONAUT_TRUST"
"""The environment variable that, as "1", confirms every workspace of this process."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A role's server and key variable, as the file has them; "" for what it does not name."""

    role: str
    model: str
    api_base: str
    api_key_env: str


@dataclass(frozen=True, slots=True)
class NamedEndpoints:
    """All servers and key variables that the settings of a workspace's folder name."""

    folder: Path = field(compare=False)
    endpoints: tuple[Endpoint, ...] = ()

    @property
    def fingerprint(self) -> str:
        """What is confirmed: the servers and key variables of each role."""
        rows = [(each.role, each.api_base, each.api_key_env) for each in self.endpoints]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:32]

    def is_trusted(self) -> bool:
        """Whether the user confirmed them on this machine; nothing named needs no confirmation."""
        if not self.endpoints or os.environ.get(VARIABLE) == "1":
            return True
        return _confirmed().get(_key(self.folder)) == self.fingerprint

    def trust(self) -> None:
        """Keep the user's confirmation in a file that only they can read.

        Raises DiskError if it cannot be written.
        """
        path = trust_file()
        rows = {**_confirmed(), _key(self.folder): self.fingerprint}
        temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary.unlink(missing_ok=True)
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(rows, file, indent=1)
            temporary.replace(path)
        except OSError as error:
            raise DiskError(
                f"{str(path)!r} cannot be written: {error.strerror}; set {VARIABLE}=1 to confirm the servers of a "
                "workspace for one call"
            ) from None

    def check(self, settings: ModelSettings) -> None:
        """Raise UntrustedError if a model's server or key variable is one that the file names unconfirmed."""
        named = {each.api_base for each in self.endpoints if each.api_base} & {settings.api_base}
        named |= {each.api_key_env for each in self.endpoints if each.api_key_env} & {settings.api_key_env}
        if named and not self.is_trusted():
            raise UntrustedError(
                f"the settings in {str(self.folder)!r} name servers or key variables that were not confirmed on this "
                f"machine: {', '.join(sorted(map(str, named)))}; look at them and confirm with: "
                f"taxonaut trust -w {shlex.quote(str(self.folder))} (in a script: --yes, or {VARIABLE}=1)"
            )


def named_endpoints(folder: Path, values: Mapping[str, Any]) -> NamedEndpoints:
    """Return the servers and key variables in the values of a taxonaut.toml."""
    return NamedEndpoints(folder, tuple(_endpoints(values)))


def trust_file() -> Path:
    """Return where confirmations are kept: $XDG_CONFIG_HOME/taxonaut/trusted.json, by default below ~/.config."""
    given = os.environ.get("XDG_CONFIG_HOME")
    try:
        base = Path(given) if given else Path.home() / ".config"
    except RuntimeError:
        raise WorkspaceError(
            f"there is no home directory to keep confirmations in; set XDG_CONFIG_HOME, or {VARIABLE}=1"
        ) from None
    return base / "taxonaut" / "trusted.json"


def _endpoints(values: Mapping[str, Any]) -> Iterator[Endpoint]:
    models = values.get("models")
    roles = dict(models) if isinstance(models, Mapping) else {}
    for role, settings in {**roles, "embeddings": values.get("embeddings")}.items():
        if isinstance(settings, Mapping):
            api_base, api_key_env = (str(settings.get(key) or "") for key in ("api_base", "api_key_env"))
            if api_base or api_key_env:
                yield Endpoint(role, str(settings.get("model") or ""), api_base, api_key_env)


def _key(folder: Path) -> str:
    return str(folder.resolve())


def _confirmed() -> dict[str, str]:
    path = trust_file()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise WorkspaceError(
            f"{str(path)!r} cannot be read ({error}); move it away and confirm again"
        ) from None
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
