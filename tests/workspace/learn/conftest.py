"""A small shop whose walks follow the words of a text."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from taxonaut import ScriptedModel, Workspace
from taxonaut.models.requests import ModelRequest
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label, Tree, TreeNode


def by_words(request: ModelRequest) -> Sequence[int]:
    """Choose what the text names."""
    wanted = request.text.casefold().split()
    return [c.id for c in request.choices if c.texts[0].rpartition(" > ")[2].casefold() in wanted] or [0]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workspace]:
    """Clothes > Shoes, Hats; Sports > Shoes (the same), Balls; nodes 2 and 3, each label a node: 4 to 6."""
    model = ScriptedModel(rule=by_words)
    with Workspace.init(
        tmp_path / "shop",
        models={"navigator": model, "general_expert": model},
        walk={"shortlist": "tree", "candidates": 0},
    ) as workspace:
        names = ["Shoes", "Hats", "Balls"]
        workspace.index.add_labels([Label(LabelId(name.lower()), name) for name in names])
        nodes = [TreeNode(1, "Clothes"), TreeNode(2, "Sports")]
        nodes += [TreeNode(key, name, label_id=LabelId(name.lower())) for key, name in enumerate(names, 3)]
        edges = ((0, 1), (0, 2), (1, 3), (1, 4), (2, 3), (2, 5))
        places = tuple((key, LabelId(name.lower())) for key, name in enumerate(names, 3))
        workspace.index.load_tree(Tree("drawn", tuple(nodes), edges, places))
        yield workspace
