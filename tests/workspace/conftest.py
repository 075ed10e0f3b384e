"""What tests of vocabularies share: an embedder that needs no weights, items, a model on the local server."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedder, things, word_embedder

from taxonaut.state.records import Item


@pytest.fixture(name="things")
def _things() -> list[Item]:
    return things()


@pytest.fixture
def words() -> FakeEmbedder:
    """An embedder to open workspaces with: texts that share words lie together, the first word counting most."""
    return word_embedder(32, fading=True)


@pytest.fixture
def open_workspace(words: FakeEmbedder, tmp_path: Path) -> Iterator[Callable[..., Any]]:
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
        opened.append(Workspace.open(path, embedder=words, **settings))
        return opened[-1]

    yield open_it
    for each in opened:
        each.close()
