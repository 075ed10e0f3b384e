"""Every policy of a walk: what it opens, in which order, what it leaves closed, and the shortlist it ends with."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from taxonaut import WalkPolicy, navigate
from taxonaut.agents.navigator import Navigator, NavigatorSettings
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError
from taxonaut.state.graph_states.navigate import Trail
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item, Label, Tree, TreeNode

pytestmark = pytest.mark.slow

NAMES = ("A", "B", "C", "A1", "A2", "B1", "B2")
EDGES = ((0, 1), (0, 2), (0, 3), (1, 4), (1, 5), (2, 6), (2, 7), (2, 5))
PLACES = {"A": "a", "A1": "x", "A2": "y", "B1": "z", "B2": "v", "C": "w"}


@pytest.fixture
def tree(database: Database) -> Index:
    """Root > A (a), B, C (w); A > A1 (x), A2 (y); B > B1 (z), B2 (v), A2. Node ids are 2 to 8 in NAMES' order."""
    index = Index(database)
    index.add_labels([Label(LabelId(label), f"label {label}") for label in sorted(PLACES.values())])
    nodes = tuple(TreeNode(key, name) for key, name in enumerate(NAMES, start=1))
    places = tuple((NAMES.index(node) + 1, LabelId(label)) for node, label in PLACES.items())
    index.load_tree(Tree("drawn", nodes, EDGES, places))
    return index


class Known:
    """A retriever whose scores are given: label to score; labels it does not know score 0."""

    def __init__(self, scores: Mapping[str, float]) -> None:
        self.known = scores

    async def search(self, texts: Sequence[str], k: int) -> list[list[tuple[LabelId, float]]]:
        best = sorted(self.known, key=lambda label: -self.known[label])[:k]
        return [[(LabelId(label), self.known[label]) for label in best] for _ in texts]

    async def scores(self, shortlists: Sequence[tuple[Item, Sequence[LabelId]]]) -> list[list[float]]:
        return [[self.known.get(label, 0.0) for label in labels] for _, labels in shortlists]


def rule(request: ModelRequest) -> Sequence[int]:
    """Take the branches that the text names, in its order."""
    offered = {choice.texts[0].rpartition(" > ")[2]: choice.id for choice in request.choices}
    return [offered[word] for word in request.text.split() if word in offered] or [0]


class Walker:
    """Walks without ranking; `history` are the navigator's requests."""

    def __init__(
        self, index: Index, scores: Mapping[str, float] | None = None, native: bool = True, **policy: Any
    ) -> None:
        self.index = index
        self.model = ScriptedModel(rule=rule)
        self.graph = navigate(
            index,
            Navigator(self.model, PromptLibrary(), NavigatorSettings(native=native)),
            retriever=None if scores is None else Known(scores),  # type: ignore[arg-type]
            policy=WalkPolicy(**{"shortlist": "tree", "inherit": 0.5, **policy}),
        ).compile()

    def walk(self, *texts: str) -> Any:
        return self.graph.invoke({"items": [Item(ItemId(text), text) for text in texts]})

    def trail(self, text: str) -> Trail:
        found: Trail = self.walk(text)["trails"][text]
        return found

    def opened(self, text: str) -> list[str]:
        """The opened nodes in their order: name, score, how, and from where."""
        names = {way.node: self.name(way.node) for way in self.trail(text).opened}
        return [
            f"{names[way.node]} {way.score:.2f} {way.how}" + (f" {names[way.via]}" if way.via else "")
            for way in self.trail(text).opened
        ]

    def dropped(self, text: str) -> list[str]:
        return [
            f"{self.name(node)} {why}" for why, nodes in self.trail(text).dropped.items() for node in nodes
        ]

    def name(self, node: NodeId) -> str:
        return self.index.node(node).name or "root"

    def shortlist(self, text: str) -> dict[str, float]:
        return {label: round(known.score, 4) for label, known in self.walk(text)["shortlists"][text].items()}


TEXT = "A B C A1 A2 B1 B2"


def test_breadth_first_opens_a_level_at_a_time(tree: Index) -> None:
    walker = Walker(tree)
    assert walker.opened(TEXT) == [
        "root 0.00 start",
        "A 0.50 branch root",
        "B 0.25 branch root",
        "C 0.17 branch root",
        "A1 0.75 branch A",
        "A2 0.62 branch B",
        "B1 0.38 branch B",
        "B2 0.29 branch B",
    ]
    assert walker.dropped(TEXT) == []
    assert walker.shortlist(TEXT) == {
        "x": 0.75, "y": 0.625, "a": 0.5, "z": 0.375, "v": 0.2917, "w": 0.1667
    }  # fmt: skip


def test_depth_first_goes_down_the_best_branch_before_the_next(tree: Index) -> None:
    walker = Walker(tree, order="depth")
    assert walker.opened(TEXT) == [
        "root 0.00 start",
        "A 0.50 branch root",
        "A1 0.75 branch A",
        "A2 0.50 branch A",
        "B 0.25 branch root",
        "B1 0.38 branch B",
        "B2 0.29 branch B",
        "C 0.17 branch root",
    ]


def test_depth_first_stops_at_its_terminals(tree: Index) -> None:
    walker = Walker(tree, order="depth", terminals=2)
    assert walker.opened(TEXT) == [
        "root 0.00 start",
        "A 0.50 branch root",
        "A1 0.75 branch A",
        "A2 0.50 branch A",
    ]
    assert walker.dropped(TEXT) == ["C budget", "B budget"]


def test_depth_first_makes_one_step_of_all_items(tree: Index) -> None:
    walker = Walker(tree, order="depth")
    given: Any = {"items": [Item(ItemId(text), text) for text in (TEXT, "C B B1")]}
    steps = [
        [(decision.item_id, walker.name(decision.node_id)) for decision in update["open_level"]["decisions"]]
        for update in walker.graph.stream(given, stream_mode="updates")
        if "open_level" in update
    ]
    assert steps == [[(TEXT, "root"), ("C B B1", "root")], [(TEXT, "A"), ("C B B1", "B")], [(TEXT, "B")]]


def test_a_beam_keeps_the_best_of_a_level(tree: Index) -> None:
    walker = Walker(tree, beam=2)
    assert [line.split()[0] for line in walker.opened(TEXT)] == ["root", "A", "B", "A1", "A2"]
    assert walker.dropped(TEXT) == ["C beam", "B1 beam", "B2 beam"]
    deep = Walker(tree, order="depth", beam=1)
    assert [line.split()[0] for line in deep.opened(TEXT)] == ["root", "A", "A1"]


def test_a_threshold_leaves_branches_closed(tree: Index) -> None:
    for order in ("breadth", "depth"):
        walker = Walker(tree, threshold=0.4, order=order)
        assert [line.split()[0] for line in walker.opened(TEXT)] == ["root", "A", "A1", "A2"]
        assert walker.dropped(TEXT) == ["B threshold", "C threshold"]


def test_the_budget_drops_what_is_left_of_a_level(tree: Index) -> None:
    walker = Walker(tree, terminals=2)
    assert [line.split()[0] for line in walker.opened(TEXT)] == ["root", "A", "B", "A1", "A2"]
    assert walker.dropped(TEXT) == ["C budget", "B1 budget", "B2 budget"]


SCORES = {"x": 0.8, "z": 0.4, "w": 0.3}


def test_an_anchored_walk_looks_around_what_dense_retrieval_found(tree: Index) -> None:
    walker = Walker(tree, SCORES, start="anchored", anchors=1)
    assert walker.opened("A2 B2 B") == [
        "A1 0.80 anchor",
        "A 0.80 climb A1",
        "A2 0.90 branch A",
        "root 0.80 climb A",
        "B 0.90 branch root",
        "B2 0.70 branch B",
    ]
    assert [d.node_id for d in walker.walk("A2 B2 B")["decisions"]] == [2, 1, 3]
    assert walker.trail("A2 B2 B").anchors == (("x", 0.8),)
    assert walker.shortlist("A2 B2 B") == {"x": 0.8, "y": 0.45, "a": 0.4, "v": 0.35}


def test_anchors_are_not_counted_in_the_budget(tree: Index) -> None:
    walker = Walker(tree, SCORES, start="anchored", anchors=3, terminals=1)
    assert walker.opened("A2 B2") == [
        "A1 0.80 anchor",
        "B1 0.40 anchor",
        "C 0.30 anchor",
        "A 0.80 climb A1",
        "A2 0.90 branch A",
    ]
    assert walker.dropped("A2 B2") == ["B budget", "root budget"]


def test_anchors_below_the_threshold_are_passed_over(tree: Index) -> None:
    walker = Walker(tree, SCORES, start="anchored", threshold=0.9)
    assert (walker.opened(TEXT), walker.shortlist(TEXT), walker.model.history) == ([], {}, [])


def test_an_anchored_walk_depth_first(tree: Index) -> None:
    walker = Walker(tree, SCORES, start="anchored", anchors=2, order="depth")
    assert walker.opened("A2 B2 C") == [
        "A1 0.80 anchor",
        "B1 0.40 anchor",
        "A 0.80 climb A1",
        "A2 0.90 branch A",
        "root 0.80 climb A",
        "C 0.90 branch root",
        "B 0.40 climb B1",
        "B2 0.45 branch B",
    ]


def test_an_anchor_with_branches_is_asked_about_them(tree: Index) -> None:
    for order in ("breadth", "depth"):
        walker = Walker(tree, {"a": 0.6}, start="anchored", order=order)
        assert set(walker.opened("A1")) == {"A 0.60 anchor", "root 0.60 climb A", "A1 0.80 branch A"}


def test_labels_are_ordered_by_the_path_continued_to_them(tree: Index) -> None:
    walker = Walker(tree, {"w": 0.9, "y": 0.6, "z": 0.2}, shortlist="both")
    found = walker.walk("A A2")["shortlists"]["A A2"]
    assert {label: (round(known.score, 4), known.origin) for label, known in found.items()} == {
        "w": (0.9, "dense"),
        "y": (0.5 * 0.75 + 0.5 * 0.6, "both"),
        "a": (0.5 * 0.5, "tree"),
        "z": (0.2, "dense"),
    }
    assert list(found) == ["w", "y", "a", "z"]


def test_only_dense_retrieval_opens_nothing(tree: Index) -> None:
    walker = Walker(tree, {"w": 0.9, "y": 0.6}, shortlist="dense", start="anchored")
    assert walker.trail(TEXT) == Trail(retrieved=(LabelId("w"), LabelId("y")))


def shown(tree: Index, native: bool, ancestors: bool | None) -> tuple[list[str], list[str]]:
    """What one node's branches are compared by, and the prompt's lines about where one is and what is there."""
    walker = Walker(tree, native=native, ancestors=ancestors)
    walker.walk("B")
    request = walker.model.history[1]
    lines = request.context.splitlines()
    return sorted(choice.texts[0] for choice in request.choices), [lines[0], *sorted(lines[2:5])]


def test_ancestors(tree: Index) -> None:
    names, paths = ["A2", "B1", "B2"], ["B > A2", "B > B1", "B > B2"]
    for native in (True, False):
        compared, prompt = shown(tree, native, True)
        assert compared == paths
        assert sorted(line.partition(". ")[2] for line in prompt[1:]) == [f"Root > {path}" for path in paths]
        compared, prompt = shown(tree, native, False)
        assert compared == names
        assert sorted(line.partition(". ")[2] for line in prompt[1:]) == names
    assert shown(tree, True, None)[0] == paths
    assert shown(tree, False, None)[0] == names


def test_without_ancestors_the_prompt_names_the_node_and_not_the_way_to_it(tree: Index) -> None:
    index = tree
    index.load_tree(
        Tree(
            "drawn",
            (TreeNode(1, "A"), TreeNode(2, "B"), TreeNode(3, "C")),
            ((0, 1), (1, 2), (2, 3)),
            tuple((3, LabelId(label)) for label in PLACES.values()),
        )
    )
    for ancestors, said in (
        (None, "You are at: A > B"),
        (True, "You are at: A > B"),
        (False, "You are at: B"),
    ):
        walker = Walker(index, ancestors=ancestors)
        walker.walk("A B")
        assert walker.model.history[2].context.splitlines()[0] == said


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"order": "best"}, "order is 'best'; it may be 'breadth' or 'depth'"),
        ({"start": "top"}, "start is 'top'; it may be 'root' or 'anchored'"),
        ({"beam": -1}, "beam is -1; it is at least 0"),
        ({"anchors": 0}, "anchors is 0; it is at least 1"),
        ({"threshold": float("nan")}, "threshold is nan; give a score, or None to close no branch"),
        ({"inherit": 1.5}, "inherit is 1.5; it is a share: give a number from 0 to 1"),
    ],
)
def test_policies_that_cannot_be(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        WalkPolicy(**given)
    assert str(caught.value) == message
