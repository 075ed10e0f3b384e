"""The example phrasings: each tool has some, their slots are the tool's, their vectors are packaged."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from taxonaut.conversation.nlu.examples import OTHER, phrasings
from taxonaut.conversation.nlu.phrasebook import Phrasebook
from taxonaut.conversation.nlu.phrasing_vectors import PackagedVectors, key, pack, packaged, solved
from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.models.embedder import Matrix
from taxonaut.tools.support.chat_tool import Kind, Tool
from taxonaut.workspace.workspace import Workspace

SLOT = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Tool]]:
    with Workspace.init(tmp_path_factory.mktemp("phrasings") / "shop") as workspace:
        yield dict(WorkspaceTools(workspace).tools)


def texts(tools: dict[str, Tool]) -> list[str]:
    """Return the examples as they are compared."""
    book = Phrasebook.of(tools, phrasings()[OTHER])
    return list(dict.fromkeys(text for choice in book.choices for text in choice.texts))


def test_every_tool_has_examples_and_every_example_a_tool(tools: dict[str, Tool]) -> None:
    assert set(phrasings()) == {*tools, OTHER}
    assert min(map(len, phrasings().values())) >= 12


def test_braces_name_slots_or_kinds(tools: dict[str, Tool]) -> None:
    unknown = [
        example
        for name, tool in tools.items()
        for example in tool.examples
        if not set(SLOT.findall(example)) <= {*tool.slots, *get_args(Kind)}
    ]
    assert unknown == []


def test_no_development_phrasing_is_an_example() -> None:
    def plain(text: str) -> str:
        return re.sub(r"[^\w {}]", "", text).casefold().strip()

    rows = Path(__file__).with_name("phrasings_dev.jsonl").read_text(encoding="utf-8").splitlines()
    said = {plain(json.loads(row)["say"]) for row in rows} - {""}
    assert sorted(said & {plain(example) for each in phrasings().values() for example in each}) == []


def test_packaged_vectors_are_those_of_the_examples(tools: dict[str, Tool]) -> None:
    """Else: python -m taxonaut.conversation.nlu.phrasing_vectors"""
    assert {key(text) for text in texts(tools)} == set(packaged()[1])
    choices = Phrasebook.of(tools, phrasings()[OTHER]).choices
    weights = solved(choices)
    assert weights is not None
    assert weights.shape == (sum(len(choice.texts) for choice in choices), len(choices))
    assert solved(choices[1:]) is None


@pytest.mark.local
def test_packaged_vectors_are_the_embedders(tools: dict[str, Tool]) -> None:
    from taxonaut.models.catalog import open_embedder
    from taxonaut.models.settings import ModelSettings

    some = texts(tools)[::150]
    embedder = open_embedder(ModelSettings(model=f"{packaged()[0]}"))
    near = np.einsum("nd,nd->n", embedder.embed(some), PackagedVectors(embedder.embed)(some))
    assert near.min() > 0.999


def test_what_is_not_packaged_is_asked_for(tools: dict[str, Tool], tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def rest(missing: list[str]) -> Matrix:
        asked.append(missing)
        return np.eye(384, dtype=np.float32)[: len(missing)]

    known = texts(tools)[0]
    rows = PackagedVectors(rest)(["not there", known])  # type: ignore[arg-type]
    assert asked == [["not there"]]
    assert rows[0, 0] == 1
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.allclose(PackagedVectors(rest)([known])[0], rows[1])  # type: ignore[arg-type]
    pack("letters", ["a"], np.array([[0.6, -0.8]], np.float32), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        assert file["vectors"].tolist() == [[23, -31]]
