"""Labels that come later: each gets a place, nothing else changes unless it grew too large, undo restores all."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedder, word_embedder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taxonaut import Workspace
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import InputError, ModelUnavailableError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.snapshot import Snapshot
from taxonaut.state.records import Label
from taxonaut.workspace.build.add_labels import Growth
from taxonaut.workspace.files.label_files import LabelFile, read_labels
from taxonaut.workspace.files.label_graph import LabelRow

COLOURS = ("red", "green", "blue", "grey", "black", "white", "brown", "pink")
THINGS = ("shoe", "lamp", "table", "shirt", "ball", "cup")
MAKERS = ("ada", "bob", "cyd", "dee", "eve", "fay", "gus", "hal")


def label(name: str, id_: str = "") -> Label:
    return Label(LabelId(id_ or name), name)


OLD = [label(f"{thing} {colour} {maker}") for thing in THINGS for colour in COLOURS for maker in MAKERS[:2]]
NEW = [label(f"{thing} {colour} {maker}") for thing in THINGS for colour in COLOURS for maker in MAKERS[2:4]]


@pytest.fixture(scope="module")
def embedder() -> FakeEmbedder:
    return word_embedder(32, fading=True)


@pytest.fixture(scope="module")
def built(embedder: FakeEmbedder, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A workspace for each way of building, over the old labels."""
    folders = {}
    for method, how in (("agents", {"terminal_size": 8}), ("kmeans", {"terminal_size": 8, "k": 4})):
        folders[method] = tmp_path_factory.mktemp("growth") / method
        with Workspace.init(folders[method], embedder=embedder) as workspace:
            workspace.index.add_labels(OLD)
            workspace.build_index(method, **how)
    return folders


@pytest.fixture(params=["agents", "kmeans"])
def workspace(
    request: pytest.FixtureRequest, built: dict[str, Path], tmp_path: Path, embedder: FakeEmbedder
) -> Iterator[Workspace]:
    shutil.copytree(built[request.param], tmp_path / "copy")
    with Workspace.open(tmp_path / "copy", embedder=embedder) as opened:
        yield opened


@pytest.fixture
def agents(built: dict[str, Path], tmp_path: Path, embedder: FakeEmbedder) -> Iterator[Workspace]:
    shutil.copytree(built["agents"], tmp_path / "agents")
    with Workspace.open(tmp_path / "agents", embedder=embedder) as opened:
        yield opened


def standing(snapshot: Snapshot) -> tuple[Any, ...]:
    """What makes two trees the same."""
    return snapshot.nodes, snapshot.labels, snapshot.edges, snapshot.placements


def check(before: Snapshot, after: Snapshot, new: Sequence[Label], growth: Growth, most: int) -> None:
    """Hold an addition to what it promises."""
    assert set(after.labels) == {*before.labels, *(label.id for label in new)}
    assert all(after.nodes_of.get(label) for label in after.labels)
    assert set(growth.inserted) == {label.id for label in new if label.id not in before.labels}
    for node, there in before.labels_at.items():
        if node in growth.splits:
            assert node in after.children
        else:
            assert after.labels_at[node][: len(there)] == there
    assert all(after.nodes[node] == text for node, text in before.nodes.items())
    assert before.edges == after.edges[: len(before.edges)]
    for node in after.nodes:
        if node not in after.children and node not in growth.unsplit:
            assert len(after.labels_at[node]) <= most


def test_every_label_gets_a_place_and_large_nodes_are_divided(workspace: Workspace) -> None:
    before = workspace.index.snapshot()
    growth = workspace.add_labels(NEW)
    after = workspace.index.snapshot()
    check(before, after, NEW, growth, 8)
    assert growth.terminal_size == 8
    assert growth.splits
    assert growth.unsplit == {}
    for node, tree in growth.splits.items():
        assert [after.nodes[child].name for child in after.children[node]] == [
            each.name for each in tree.nodes if (0, each.key) in tree.edges
        ]
    if workspace.index.tree_method() == "kmeans":
        assert all(len(nodes) == 1 for nodes in after.nodes_of.values())
    change = workspace.index.events.changes(1)[0]
    assert (change.id, change.note) == (growth.change, "add labels")
    assert change.operations == {"add_labels": 1, "place_many": 1, "graft_many": 1}
    workspace.index.undo()
    assert standing(workspace.index.snapshot()) == standing(before)


def test_what_is_alike_comes_together(agents: Workspace) -> None:
    index = agents.index
    agents.add_labels([label("lamp red zoe")])
    node = index.placements_of(LabelId("lamp red zoe"))[0]
    others = [each.name for each in index.labels_at(node) if each.id != "lamp red zoe"]
    assert others
    assert all(name.startswith("lamp") for name in others)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*NEW, *OLD]), min_size=1, max_size=60), st.integers(1, 3))
def test_whatever_comes_nothing_is_lost(agents: Workspace, labels: list[Label], times: int) -> None:
    index = agents.index
    first = index.snapshot()
    parts = [labels[start::times] for start in range(times) if labels[start::times]]
    written = 0
    for part in parts:
        before = index.snapshot()
        growth = agents.add_labels(part)
        check(before, index.snapshot(), [each for each in part if each.id not in before.labels], growth, 8)
        assert set(growth.known) == {each.id for each in part if each.id in before.labels}
        written += growth.change is not None
    for _ in range(written):
        index.undo()
    assert standing(index.snapshot()) == standing(first)


def test_adding_twice_adds_once(workspace: Workspace) -> None:
    workspace.add_labels(NEW[:5])
    version = workspace.index.version()
    again = workspace.add_labels([*NEW[:5], *OLD[:2]])
    assert again.known == tuple(each.id for each in (*NEW[:5], *OLD[:2]))
    assert (again.inserted, again.change) == ({}, None)
    assert workspace.index.version() == version


def test_a_dry_run_writes_nothing_and_says_what_would_change(agents: Workspace) -> None:
    before, version = agents.index.snapshot(), agents.index.version()
    dry = agents.add_labels(NEW, dry_run=True)
    assert dry.change is None
    assert dry.diff is not None
    assert {each.id for each in dry.diff.labels_inserted} == {each.id for each in NEW}
    assert {split.node.id for split in dry.diff.split} == set(dry.splits)
    assert standing(agents.index.snapshot()) == standing(before)
    assert agents.index.version() == version
    asked = agents.database.rows("SELECT count(*) FROM decisions")[0][0]
    real = agents.add_labels(NEW)
    assert agents.database.rows("SELECT count(*) FROM decisions")[0][0] == asked
    assert (real.inserted, real.splits) == (dry.inserted, dry.splits)


def test_the_same_labels_in_the_same_index_end_in_the_same_tree(
    built: dict[str, Path], tmp_path: Path, embedder: FakeEmbedder
) -> None:
    trees = []
    for name in ("one", "two"):
        shutil.copytree(built["agents"], tmp_path / name)
        with Workspace.open(tmp_path / name, embedder=embedder) as opened:
            opened.add_labels(NEW)
            trees.append(standing(opened.index.snapshot()))
    assert trees[0] == trees[1]


def test_no_old_label_is_embedded_again(agents: Workspace, embedder: FakeEmbedder) -> None:
    embedder.calls.clear()
    agents.add_labels(NEW)
    old = {each.name for each in OLD}
    assert not old & set(embedder.embedded)
    assert len(embedder.embedded) == len(set(embedder.embedded))


def test_an_id_of_another_name_is_refused(agents: Workspace) -> None:
    version = agents.index.version()
    with pytest.raises(InputError) as caught:
        agents.add_labels([label("lamp new"), label("Lamp, red", "lamp red ada")])
    assert str(caught.value) == (
        "1 of the labels have an id that belongs to another name: 'lamp red ada' is 'lamp red ada' in the index and "
        "'Lamp, red' now. Nothing was added. Give a new label its own id (--id-column); to take over the names of "
        "a new version: taxonaut labels update FILE"
    )
    with pytest.raises(InputError, match="id 'x' is given twice, as 'one' and as 'two'"):
        agents.add_labels([label("one", "x"), label("two", "x")])
    with pytest.raises(InputError, match="label 'x' has no name"):
        agents.add_labels([Label(LabelId("x"), "  ")])
    assert agents.index.version() == version


def test_names_like_others_are_told(agents: Workspace) -> None:
    growth = agents.add_labels(
        [
            label("Lamp RED ada", "far"),
            label("lamps red ada", "near"),
            label("new", "n1"),
            label("New!", "n2"),
        ]
    )
    assert growth.same_names["far"][0] == "lamp red ada"
    assert (growth.same_names["n1"], growth.same_names["n2"]) == (("n2",), ("n1",))
    assert len(growth.inserted) == 4


def test_another_description_is_told_and_not_taken(agents: Workspace) -> None:
    growth = agents.add_labels([Label(OLD[0].id, OLD[0].name, "now described")])
    assert (growth.known, growth.described) == ((OLD[0].id,), (OLD[0].id,))
    assert agents.index.label(OLD[0].id).description == ""


def test_identical_names_long_names_and_other_scripts(agents: Workspace) -> None:
    before = agents.index.snapshot()
    new = [
        *(label("lamp red ada", f"same {n}") for n in range(30)),
        label("lamp " + "x" * 1995, "long"),
        label("红色 台灯", "灯"),
        label("\U0001f4a1 [bold]light[/bold]", "sign"),
    ]
    growth = agents.add_labels(new)
    check(before, agents.index.snapshot(), new, growth, 8)
    assert agents.index.label(LabelId("灯")).name == "红色 台灯"


def test_an_index_of_one_label(embedder: FakeEmbedder, tmp_path: Path) -> None:
    with Workspace.init(tmp_path / "one", embedder=embedder) as workspace:
        workspace.index.add_labels([label("lamp red ada")])
        workspace.build_index("agents", terminal_size=4)
        before = workspace.index.snapshot()
        growth = workspace.add_labels(NEW[:3])
        assert growth.inserted == {each.id: (1,) for each in NEW[:3]}
        assert growth.splits == {}
        growth = workspace.add_labels(NEW[3:30])
        assert list(growth.splits) == [1]
        check(before, workspace.index.snapshot(), NEW[:30], Growth(growth.inserted | {
            each.id: (NodeId(1),) for each in NEW[:3]
        }, splits=growth.splits), 4)  # fmt: skip


def test_nothing_to_add_to(embedder: FakeEmbedder, tmp_path: Path) -> None:
    with Workspace.init(tmp_path / "none", embedder=embedder) as workspace:
        with pytest.raises(
            InputError, match="has no labels yet; import these instead: taxonaut labels import"
        ):
            workspace.add_labels(NEW)
        workspace.index.add_labels(OLD)
        with pytest.raises(InputError, match="are not in a tree yet; build one first: taxonaut index build"):
            workspace.add_labels(NEW)


def test_a_label_without_a_place_gets_one(agents: Workspace) -> None:
    agents.index.add_labels(NEW[:1])
    growth = agents.add_labels(NEW[:2])
    assert set(growth.inserted) == {NEW[0].id, NEW[1].id}
    assert agents.index.stats().labels_unplaced == 0


def test_depth_is_a_bound(agents: Workspace) -> None:
    agents.config = agents.config.model_copy(
        update={"build": agents.config.build.model_copy(update={"depth": 1})}
    )
    agents.database.read().execute("UPDATE trees SET settings = '{\"terminal_size\": 8}'")
    growth = agents.add_labels(NEW)
    assert growth.splits == {}
    assert set(growth.unsplit.values()) == {"it is 1 levels deep, the limit set by [build] depth"}


def test_a_model_that_fails_leaves_the_index_alone(agents: Workspace) -> None:
    version = agents.index.version()
    model = ScriptedModel(rule=lambda _: ModelUnavailableError("nobody is there"))
    with pytest.raises(ModelUnavailableError, match="nobody is there"):
        agents.with_models({"architect": model, "annotator": model}).add_labels(NEW)
    assert agents.index.version() == version
    assert agents.runs.list("grow")[0].status == "failed"


# A person's own tree


OWN = [
    {"id": "c", "name": "clothes"},
    {"id": "s", "name": "shoe", "path": ["clothes", "shoe"]},
    {"id": "b", "name": "boot", "path": ["clothes", "shoe", "boot"]},
    {"id": "h", "name": "hat", "path": ["clothes", "hat"]},
    {"id": "p", "name": "puzzle", "path": ["toy", "puzzle"]},
]


def rows(path: Path, given: list[dict[str, Any]], workspace: Workspace | None = None) -> LabelFile:
    path.write_text("".join(json.dumps(row) + "\n" for row in given), encoding="utf-8")
    return read_labels(path, elsewhere=workspace.index.has_label if workspace else lambda _: False)


@pytest.fixture
def own(embedder: FakeEmbedder, tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "own", embedder=embedder) as workspace:
        workspace.import_labels(rows(tmp_path / "own.jsonl", OWN))
        yield workspace


def drawn(workspace: Workspace) -> list[str]:
    found = workspace.index.paths_of(workspace.index.label_ids())
    return sorted(" > ".join(path) for paths in found.values() for path in paths)


def test_paths_and_parents_say_where_a_label_goes(own: Workspace, tmp_path: Path) -> None:
    new = [
        {"id": "cap", "name": "cap", "path": ["clothes", "hat", "cap"]},
        {"id": "r", "name": "robot", "path": ["toy", "robot"]},
        {"id": "t", "name": "tin robot", "path": ["toy", "robot", "tin robot"]},
        {"id": "i", "name": "ice skate", "parents": ["s", "r"]},
        {"id": "g", "name": "gift", "path": ["gift"]},
    ]
    before = own.index.snapshot()
    growth = own.add_labels(rows(tmp_path / "new.jsonl", new, own))
    assert drawn(own) == [
        "clothes", "clothes > hat", "clothes > hat > cap", "clothes > shoe", "clothes > shoe > boot",
        "clothes > shoe > ice skate", "gift", "toy > puzzle", "toy > robot", "toy > robot > ice skate",
        "toy > robot > tin robot",
    ]  # fmt: skip
    assert set(growth.by_own_path) == set(growth.inserted) == {"cap", "r", "t", "i", "g"}
    assert (growth.unresolved, growth.comparisons) == ((), 0)
    assert own.index.events.changes(1)[0].note == "add new.jsonl"
    own.index.undo()
    assert standing(own.index.snapshot()) == standing(before)


def test_a_label_with_strange_parents_or_none_is_compared(own: Workspace) -> None:
    strange = LabelRow(label("boot lace", "l"), parents=(LabelId("gone"),))
    growth = own.add_labels(LabelFile("new", (strange, LabelRow(label("toy puzzle small", "k")))))
    assert growth.unresolved == ("l",)
    assert growth.by_own_path == ()
    assert set(growth.inserted) == {"l", "k"}
    assert (growth.requests, growth.comparisons > 0) == (0, True)


def test_missing_branches_of_a_path_are_made(own: Workspace, tmp_path: Path) -> None:
    before = own.index.snapshot()
    new = [
        {"id": "l", "name": "boot lace", "path": ["home", "light", "boot lace"]},
        {"id": "m", "name": "candle", "path": ["home", "light", "candle"]},
    ]
    growth = own.add_labels(rows(tmp_path / "new.jsonl", new, own))
    assert growth.branches == ("home", "home > light")
    assert growth.unresolved == ()
    assert growth.comparisons == 0
    assert {"home > light > boot lace", "home > light > candle"} <= set(drawn(own))
    own.index.undo()
    assert replace(own.index.snapshot(), version=before.version) == before


def test_groups_of_the_file_are_nodes_of_the_tree(own: Workspace, tmp_path: Path) -> None:
    new = [
        {"id": "g1", "name": "toy", "kind": "group", "path": ["toy"]},
        {"id": "g2", "name": "game", "kind": "group", "parents": ["g1"]},
        {"id": "g3", "name": "empty", "kind": "group", "parents": ["g1"]},
        {"id": "chess", "name": "chess", "parents": ["g2"]},
        {"id": "top", "name": "kite"},
        {"id": "red", "name": "red kite", "parents": ["top"]},
    ]
    growth = own.add_labels(rows(tmp_path / "new.jsonl", new, own))
    assert growth.unresolved == ()
    assert [path for path in drawn(own) if path.startswith(("toy", "kite"))] == [
        "kite", "kite > red kite", "toy > game > chess", "toy > puzzle",
    ]  # fmt: skip
    assert own.index.stats().nodes == 3 + 2


def test_a_tree_of_ones_own_is_not_divided(own: Workspace) -> None:
    growth = own.add_labels([label(f"boot shoe {n}") for n in range(40)])
    assert growth.splits == {}
    assert growth.terminal_size == 24
    assert set(growth.unsplit.values()) == {
        "a tree of your own (native) is not split automatically; use: taxonaut index split"
    }
