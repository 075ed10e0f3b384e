"""A small shop of one's own, whose categories are labels, with its tools."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import word_embedder

PATHS = {
    "el": "Electronics",
    "au": "Electronics > Audio",
    "ph": "Electronics > Audio > Headphones",
    "ob": "Electronics > Audio > Headphones > Over-ear headphones",
    "ib": "Electronics > Audio > Headphones > Earbuds",
    "sp": "Electronics > Audio > Speakers",
    "cm": "Electronics > Cameras",
    "pe": "Pets",
    "ca": "Pets > Bird cages",
    "fo": "Pets > Dog food",
}


@pytest.fixture
def shop_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from taxonaut import Workspace
    from taxonaut.workspace.files.label_files import read_labels

    monkeypatch.chdir(tmp_path)
    rows = [
        json.dumps({"id": id_, "name": path.split(" > ")[-1], "path": path.split(" > ")})
        for id_, path in PATHS.items()
    ]
    (tmp_path / "labels.jsonl").write_text("\n".join(rows))
    with Workspace.init(tmp_path / "shop", embedder=word_embedder()) as workspace:
        workspace.import_labels(read_labels(tmp_path / "labels.jsonl"))
        yield workspace


@pytest.fixture
def shop_tools(shop_workspace: Any) -> Any:
    from taxonaut.conversation.tools.toolbox import WorkspaceTools

    return WorkspaceTools(shop_workspace)


@pytest.fixture
def say(shop_tools: Any) -> Callable[..., Any]:
    """Carry out a command; changes are previewed, and made where `yes` is said."""
    import asyncio

    from taxonaut.conversation.conversation import parse_command

    def it(line: str, *, yes: bool = False) -> Any:
        use = parse_command(shop_tools.tools, line)
        if not shop_tools.tools[use.name].changes:
            return asyncio.run(shop_tools.run(use))
        proposal = asyncio.run(shop_tools.preview(use))
        return asyncio.run(shop_tools.apply(proposal)) if yes else proposal

    return it
