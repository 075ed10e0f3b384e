"""A node gets a sub-tree from the workspace's builder, as one change that can be taken back."""

from pathlib import Path

import numpy as np
import pytest

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.workspace.regrowth import asplit_node
from taxonaut.workspace.workspace import Workspace


class Corners:
    """Texts that start alike lie together."""

    name = "corners"
    dimension = 4

    def embed(self, texts: list[str]) -> np.ndarray:
        rows = np.full((len(texts), 4), 0.01, np.float32)
        for row, text in enumerate(texts):
            rows[row, ord(text[0]) % 4] = 1
        return rows


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("taxonaut.workspace.wiring.open_embedder", lambda settings: Corners())
    with Workspace.init(tmp_path / "workspace") as opened:
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
    tree = await asplit_node(workspace, NodeId(2), settings={"terminal_size": 2, "k": 2})
    parts = [node.id for node in index.children(NodeId(2))]
    assert len(parts) == len(tree.nodes) == 2
    assert sorted(map(sorted, index.labels_under([*parts, NodeId(2)]).values())) == [
        ["a one", "a two"], ["all"], ["b one", "b two"],
    ]  # fmt: skip
    assert index.placements_of(LabelId("a one"))[0] == 3
    index.undo()
    assert index.snapshot().placements == before.placements


async def test_nothing_to_divide(workspace: Workspace) -> None:
    version = workspace.index.version()
    with pytest.raises(InputError, match=r"node 'one' \(3\) has 1 labels in it; there is nothing to divide"):
        await asplit_node(workspace, NodeId(3))
    assert (await asplit_node(workspace, NodeId(2))).nodes == ()
    assert workspace.index.version() == version
