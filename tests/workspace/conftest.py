"""What tests of vocabularies share: an embedder that needs no weights, items, a model on the local server."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

KINDS = ("fox", "whale", "oak", "fern", "wasp")
COLOURS = ("red", "grey", "blue", "white")
MAKERS = ("ada", "bob", "cyd")


class Words:
    """Texts that share words lie together, the first word counting most."""

    name = "words"
    dimension = 32

    def embed(self, texts: Sequence[str]) -> Any:
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for place, word in enumerate(text.casefold().split() or ["."]):
                random = np.random.default_rng(zlib.crc32(word.encode()))
                rows[row] += random.normal(size=self.dimension) / (place + 1)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def things() -> list[Any]:
    """60 items of five kinds, which share no word, each in four colours by three makers."""
    from taxonaut.state.ids import ItemId
    from taxonaut.state.records import Item

    texts = [
        f"{kind} {kind}{colour} {kind}{maker}" for kind in KINDS for colour in COLOURS for maker in MAKERS
    ]
    return [Item(ItemId(f"i{number}"), text) for number, text in enumerate(texts)]


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> Words:
    """Put `Words` in the place of the workspace's embedder."""
    made = Words()
    monkeypatch.setattr("taxonaut.workspace.core.container.open_embedder", lambda _: made)
    return made


@pytest.fixture
def open_workspace(words: Words, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open the test's workspace with settings; `server`: a language model there is architect and annotator."""
    from taxonaut import Workspace

    opened: list[Any] = []

    def open_it(server: Any = None, folder: str = "w", **vocabulary: Any) -> Any:
        path = tmp_path / folder
        if not path.exists():
            Workspace.init(path).close()
        settings: dict[str, Any] = {"vocabulary": vocabulary}
        if server is not None:
            role = {"model": "hosted_vllm/test", "api_base": server.url, "backoff_s": 0.01, "attempts": 2}
            settings["models"] = {"architect": role, "annotator": role}
            settings["task"] = {"description": "BEHAVE:agents"}
        opened.append(Workspace.open(path, **settings))
        return opened[-1]

    yield open_it
    for each in opened:
        each.close()
