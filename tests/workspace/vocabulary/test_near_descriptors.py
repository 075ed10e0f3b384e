"""The nearest descriptors of items, below those that fit."""

from pathlib import Path

import pytest
from fakes import compass, refusing_embedder

from taxonaut import Workspace
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.descriptors import Tagging
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item, Tree, TreeNode
from taxonaut.state.stores.taggings import Taggings
from taxonaut.workspace.vocabulary.near_descriptors import nearest_descriptors
from taxonaut.workspace.vocabulary.reading import read_vocabulary

NAMES = ("0", "90", "180", "270", "20", "340")
"""Angles; the last two are below the first."""

EDGES = (*((0, key) for key in range(1, 5)), (1, 5), (1, 6))


def tag(workspace: Workspace, paths: dict[str, tuple[str, ...]]) -> None:
    """Put descriptors of the compass on items whose texts are angles."""
    if not read_nodes(workspace):
        nodes = [TreeNode(key, name) for key, name in enumerate(NAMES, start=1)]
        workspace.index.load_tree(Tree("vocabulary", tuple(nodes), EDGES, ()))
    nodes_by_name = read_nodes(workspace)
    run = workspace.runs.open("vocabulary", "test", {})
    workspace.items.put([Item(ItemId(f"at {text}"), text) for text in paths])
    Taggings(workspace.database).put(
        run,
        [
            Tagging(ItemId(f"at {text}"), tuple(nodes_by_name[name] for name in path))
            for text, path in paths.items()
        ],
    )
    workspace.runs.close(run, "finished")


def read_nodes(workspace: Workspace) -> dict[str, object]:
    if workspace.index.tree_method() != "vocabulary":
        return {}
    return {each.node.name: each.id for each in read_vocabulary(workspace).descriptors}


def nearest(workspace: Workspace) -> dict[str, tuple[list[str], list[str]]]:
    """The nearest descriptors of each item by name: those that continue its path, and the next nearest."""
    vocabulary = read_vocabulary(workspace)
    found = nearest_descriptors(workspace, vocabulary)
    return {
        item: (
            [vocabulary.by_id[node].node.name for node in tagging.path],
            [vocabulary.by_id[node].node.name for node in tagging.others],
        )
        for item, tagging in found.items()
    }


PATHS = {"15": (), "100": (), "-5": ("0",), "181": ("180",), "21": ("0", "20"), " ": ()}
FOUND = {
    "at 15": (["0", "20"], ["340", "90", "270"]),
    "at 100": (["90"], ["180", "0"]),
    "at -5": (["340"], ["20"]),
}


def test_a_path_goes_on_to_a_leaf_and_a_text_is_needed(tmp_path: Path) -> None:
    with Workspace.init(tmp_path / "w", embedder=compass()) as workspace:
        tag(workspace, PATHS)
        assert nearest(workspace) == FOUND


def test_later_items_change_nothing(tmp_path: Path) -> None:
    with Workspace.init(tmp_path / "w", embedder=compass()) as workspace:
        tag(workspace, PATHS)
        tag(workspace, {str(angle): () for angle in range(30, 60)})
        found = nearest(workspace)
        assert {item: found[item] for item in FOUND} == FOUND


def test_no_language_model_is_asked(tmp_path: Path) -> None:
    model = ScriptedModel(rule=lambda request: pytest.fail("a language model was asked"))
    with Workspace.init(tmp_path / "w", models={"annotator": model}, embedder=compass()) as workspace:
        tag(workspace, PATHS)
        assert nearest(workspace) == FOUND


def test_nothing_is_embedded_where_all_paths_end_at_leaves(tmp_path: Path) -> None:
    with Workspace.init(tmp_path / "w", embedder=refusing_embedder("compass", 2)) as workspace:
        tag(workspace, {"21": ("0", "20"), "90": ("90",)})
        assert nearest(workspace) == {}
