"""`service.json` in a workspace: where its service listens, for its user alone."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from taxonaut.state.errors import DiskError, InputError
from taxonaut.state.workspace_folder import SERVICE_FILE


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """Where a service listens (`url`, without a slash at the end), its process, and the token it takes."""

    url: str
    pid: int
    token: str = field(repr=False)
    started: str = ""
    """When the process began, as the system counts it: a process number is given again."""


def find_service(folder: Path) -> ServiceAddress | None:
    """Return the service of a workspace that runs now, None for none; the file of a dead one counts for nothing."""
    try:
        found = ServiceAddress(**json.loads((folder / SERVICE_FILE).read_text(encoding="utf-8")))
        alive = found.started == process_start(found.pid)
    except (OSError, ValueError, TypeError):
        return None
    return found if alive else None


def write_service(folder: Path, address: ServiceAddress) -> None:
    """Write where the service listens. Raises InputError if another one of this workspace runs, DiskError."""
    other = find_service(folder)
    if other is not None and other.pid != address.pid:
        raise InputError(
            f"{str(folder)!r} is served already, by process {other.pid} at {other.url}; use that, or stop it first"
        )
    file = folder / SERVICE_FILE
    new = file.with_name(f"{SERVICE_FILE}.{os.getpid()}")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(asdict(address), stream)
        new.replace(file)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        raise DiskError(f"cannot write {str(file)!r}: {error.strerror}") from None


def remove_service(folder: Path) -> None:
    """Remove this process's file; that of another is left."""
    try:
        written = json.loads((folder / SERVICE_FILE).read_text(encoding="utf-8"))
        if written.get("pid") == os.getpid():
            (folder / SERVICE_FILE).unlink()
    except (OSError, ValueError, AttributeError):
        return


def process_start(pid: int) -> str:
    """Return when a process began, as the system counts it; "" where the system does not say.

    Raises OSError for a process that is gone.
    """
    os.kill(pid, 0)
    try:
        # After the name in parentheses, which may hold anything, comes the state; the start is field 22.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
