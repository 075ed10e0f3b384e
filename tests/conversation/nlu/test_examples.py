"""The examples: each tool has some, their slots are the tool's, their vectors are packaged."""

import json
import re
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from fakes import FakeEmbedder, packaged_embedder

from taxonaut.conversation.nlu.examples import OTHER, phrasings
from taxonaut.conversation.nlu.message import SLOT
from taxonaut.conversation.nlu.nearest import FILE, NearestExample, build_learner, masked_examples, stamp
from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.tools.support.chat_tool import Kind, Tool
from taxonaut.workspace.workspace import Workspace


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Tool]]:
    with Workspace.init(tmp_path_factory.mktemp("phrasings") / "shop") as workspace:
        yield dict(WorkspaceTools(workspace).tools)


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


def basis(name: str) -> FakeEmbedder:
    """Gives the texts it is given one axis after the other."""
    axes = cycle(np.eye(384, dtype=np.float32))
    return FakeEmbedder(name, 384, lambda _: next(axes))


@pytest.mark.parametrize("precision", ["", "-int8"])
def test_packaged_vectors_are_those_of_the_examples(precision: str) -> None:
    """Else: python -m taxonaut.conversation.nlu.nearest"""
    with np.load(FILE, allow_pickle=False) as file:
        assert (int(file["stamp"]), file["vectors"].shape[0]) == (stamp(), len(masked_examples(phrasings())))
        own, other = basis(str(file["embedder"]) + precision), basis("another")
    learned = build_learner(own, own.embed)(dict(phrasings()))
    assert (own.embedded, learned.weights.shape) == ([], (len(learned.vectors), len(phrasings())))
    assert np.allclose(np.linalg.norm(learned.vectors, axis=1), 1, atol=1e-5)
    build_learner(own, own.embed)({**phrasings(), "mine": ("not there",)})
    assert own.embedded == ["not there"]
    build_learner(other, other.embed)({"mine": ("not there",), OTHER: ("hello",)})
    assert other.embedded == ["not there", "hello"]


def test_packaged_vectors_are_not_compared_with_those_of_another_length() -> None:
    embedder = packaged_embedder()
    learned = build_learner(embedder, embedder.embed)(dict(phrasings()))
    assert learned.vectors.shape == (len(masked_examples(phrasings())), embedder.dimension)
    assert len(learned.scores(embedder.embed(["what is at the top?"]))) == len(phrasings())


@pytest.mark.local
def test_packaged_vectors_are_the_embedders() -> None:
    from taxonaut.models.catalog import open_embedder
    from taxonaut.models.settings import ModelSettings

    with np.load(FILE, allow_pickle=False) as file:
        embedder = open_embedder(ModelSettings(model=str(file["embedder"])))
    packaged = build_learner(embedder, embedder.embed)(phrasings()).vectors[::150]
    near = np.einsum("nd,nd->n", embedder.embed(masked_examples(phrasings())[::150]), packaged)
    # 63 steps a number leave the vectors 0.999 near; processors with VNNI add eight bits otherwise: 0.98.
    assert (np.median(near) > 0.985, near.min() > 0.97) == (True, True)


def test_the_nearest_examples_choose() -> None:
    axes = basis("basis")
    nearest = NearestExample.fit({"a": ["one", "two"], "b": ["three"]}, axes.embed)
    assert [next(iter(nearest.scores(row[None]))) for row in np.eye(384, dtype=np.float32)[:3]] == [
        "a",
        "a",
        "b",
    ]
