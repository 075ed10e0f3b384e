"""What adding labels costs does not grow with the index, but for its depth."""

from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedder, word_embedder

from taxonaut import Workspace
from taxonaut.agents.support.group_names import singular_form
from taxonaut.agents.support.kind_words import KINDS, TRAITS
from taxonaut.state.db.connection import Database
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label, Tree, TreeNode

WIDTH, TERMINAL = 10, 20
ADDED = [
    *(Label(LabelId(f"far {number}"), f"thing {number} new") for number in range(5)),
    *(Label(LabelId(f"near {number}"), "thing 70 new") for number in range(5)),
]
"""Some go apart; those that come together make a node too large."""


class Rows:
    """Counts the rows that come out of the database."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.read = 0
        rows, columns = Database.rows, Database.columns

        def counted_rows(database: Database, *query: Any) -> Any:
            found = rows(database, *query)
            self.read += len(found)
            return found

        def counted_columns(database: Database, *query: Any) -> Any:
            found = columns(database, *query)
            self.read += max(map(len, found.values()), default=0)
            return found

        patch.setattr(Database, "rows", counted_rows)
        patch.setattr(Database, "columns", counted_columns)


@pytest.fixture
def embedder() -> FakeEmbedder:
    return word_embedder(16)


def make(folder: Path, embedder: FakeEmbedder, terminals: int) -> Workspace:
    """Make an index of so many terminal nodes, each of them full but for a few labels."""
    workspace = Workspace.init(folder, embedder=embedder)
    held = TERMINAL - 2
    labels = [Label(LabelId(f"{n}"), f"thing {n // held} {n % held}") for n in range(terminals * held)]
    nodes, edges, level = [], [], [0]
    while len(level) < terminals:
        below = []
        for key in level:
            for _ in range(WIDTH):
                number = len(nodes) + 1
                nodes.append(number)
                edges.append((key, number))
                below.append(number)
        level = below
    places = [(level[n // held], label.id) for n, label in enumerate(labels)]
    names = {key: f"thing {place}" for place, key in enumerate(level)}
    workspace.index.add_labels(labels)
    tree = tuple(TreeNode(n, names.get(n, f"node {n}"), examples=(f"thing {n} 0",)) for n in nodes)
    workspace.index.load_tree(Tree("agents", tree, tuple(edges), tuple(places), {"terminal_size": TERMINAL}))
    workspace.wiring.stored.lookup([label.name for label in labels])
    workspace.wiring.stored.lookup([text for node in tree for text in (node.name, *node.examples)])
    return workspace


FIXED = {*KINDS, *map(singular_form, KINDS), *TRAITS}
"""Words that are embedded once in a workspace, by the first node that is named without a language model."""


def cost(workspace: Workspace, embedder: FakeEmbedder, patch: pytest.MonkeyPatch) -> dict[str, int]:
    """Add labels; return the comparisons, the texts embedded, the rows read and the nodes divided."""
    workspace.index.placements_of(
        workspace.index.label_ids()[0]
    )  # the shape is in memory, as after any command
    embedder.calls.clear()
    with patch.context() as context:
        rows = Rows(context)
        growth = workspace.add_labels(ADDED)
    assert len(growth.inserted) == len(ADDED)
    return {
        "comparisons": growth.comparisons,
        "embedded": len([text for text in embedder.embedded if text not in FIXED]),
        "rows": rows.read,
        "splits": len(growth.splits),
    }


def test_ten_labels_cost_the_same_in_a_small_and_in_a_large_index(
    tmp_path: Path, embedder: FakeEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for terminals in (100, 1_000):
        with make(tmp_path / str(terminals), embedder, terminals) as workspace:
            found.append(cost(workspace, embedder, monkeypatch))
    small, large = found
    assert small["splits"] > 0
    assert large["splits"] > 0
    # Two levels and three, and at each a label stands before three nodes at most.
    assert large["comparisons"] <= 1 + len(ADDED) * (3 + 9)
    # The names of what came and of what was made; none of the 18,000.
    assert max(small["embedded"], large["embedded"]) <= len(ADDED) + 8 * max(small["splits"], large["splits"])
    # A thousand labels and vectors to see the mean; some rows for each node on the way. None for the 18,000.
    for each in found:
        assert each["rows"] <= 2_000 + 15 * WIDTH * each["comparisons"]
