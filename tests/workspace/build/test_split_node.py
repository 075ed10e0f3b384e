"""A node gets a sub-tree from the workspace's builder, as one change that can be taken back."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes import corner_embedder

from taxonaut.agents.annotator import Annotator
from taxonaut.agents.architect import Architect
from taxonaut.agents.support.texts import LabelTable
from taxonaut.agents.support.vector_clusters import VectorClusters
from taxonaut.graphs.policies import BuildPolicy
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.workspace.build.agents_tree import AgentsTreeBuilder, BuildAgents
from taxonaut.workspace.build.split_node import abuild_subtree, abuild_subtree_with
from taxonaut.workspace.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path):
    with Workspace.init(tmp_path / "workspace", embedder=corner_embedder()) as opened:
        names = ["all", "a one", "a two", "b one", "b two"]
        opened.index.add_labels([Label(LabelId(name), name) for name in names])
        own = TreeNode(1, "all", label_id=LabelId("all"))
        opened.index.load_tree(
            Tree(
                "made",
                (own, TreeNode(2, "one")),
                ((0, 1), (0, 2)),
                (*((1, name) for name in names), (2, names[1])),
            )  # type: ignore[misc]
        )
        yield opened


async def test_a_label_that_is_the_node_stays_in_it(workspace: Workspace) -> None:
    index, before = workspace.index, workspace.index.snapshot()
    tree = await abuild_subtree(workspace, NodeId(2), terminal_size=2, k=2)
    index.graft(NodeId(2), tree)
    parts = [node.id for node in index.children(NodeId(2))]
    assert len(parts) == len(tree.nodes) == 2
    assert sorted(map(sorted, index.labels_under([*parts, NodeId(2)]).values())) == [
        ["a one", "a two"], ["all"], ["b one", "b two"],
    ]  # fmt: skip
    assert index.placements_of(LabelId("a one"))[0] == 3
    index.undo()
    assert index.snapshot().placements == before.placements


async def test_nothing_to_divide(workspace: Workspace) -> None:
    with pytest.raises(InputError, match=r"node 'one' \(3\) has 1 labels; nothing to split"):
        await abuild_subtree(workspace, NodeId(3))
    assert (await abuild_subtree(workspace, NodeId(2))).nodes == ()


def test_agents_are_told_where_the_node_stands_and_what_is_beside_it(index: Index) -> None:
    asked: list[ModelRequest] = []

    def rule(request: ModelRequest) -> dict[str, object]:
        asked.append(request)
        if not request.texts:
            return {"categories": [{"name": name, "description": ""} for name in ("Round", "Flat")]}
        return {str(place): [1 + place % 2] for place in range(1, len(request.texts) + 1)}

    vectors = np.eye(len(index.label_ids()), dtype=np.float32)

    def build_agents(labels: Sequence[Label]) -> BuildAgents:
        names = [label.name for label in labels]
        table = LabelTable([label.id for label in labels], names, vectors[: len(names)])
        suggestions, model = VectorClusters(lambda: table), ScriptedModel(rule=rule)
        architect = Architect(model, PromptLibrary(), suggestions)
        return BuildAgents(suggestions, architect, Annotator(model, PromptLibrary()), {})

    balls = next(
        node.id for node in index.nodes([NodeId(2), NodeId(3), NodeId(4), NodeId(5)]) if node.name == "Balls"
    )
    builder = AgentsTreeBuilder(build_agents, BuildPolicy(terminal_size=2))
    added = [Label(LabelId("racket"), "Rackets")]
    tree = asyncio.run(abuild_subtree_with(builder, index, balls, added=added))
    assert {node.name for node in tree.nodes} == {"Round", "Flat"}
    assert "The part: Sports > Balls" in asked[0].context
    assert "Neighbouring parts, which these labels do not belong to:\n- Shoes" in asked[0].context
