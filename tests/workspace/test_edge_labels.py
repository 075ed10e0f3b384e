"""Label sets at the edge, on the real embedder: built, grown and walked, or refused with a reason."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pulled import require_weights

from taxonaut import Workspace
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label
from taxonaut.tools.support.names import LONGEST_TERM
from taxonaut.workspace.files.label_files import read_labels

pytestmark = [pytest.mark.local, pytest.mark.slow]

METHODS = ("kmeans", "agents")
CHINESE = [
    "婴儿服装",
    "男士皮鞋",
    "女士皮鞋",
    "运动鞋",
    "手机壳",
    "笔记本电脑",
    "台式电脑",
    "打印机",
    "厨房刀具",
    "不锈钢锅",
    "电饭煲",
    "微波炉",
    "冰箱",
    "洗衣机",
    "儿童玩具",
    "积木",
    "拼图",
    "自行车",
    "帐篷",
    "睡袋",
    "登山鞋",
    "雨伞",
    "太阳镜",
    "手表",
]
LONG = "a very long label about " + "many different things and more " * 64
COLOURS = ("red", "blue", "green", "black")
THINGS = ("shoe", "lamp", "pan", "tent", "book")


@pytest.fixture(autouse=True)
def _weights() -> None:
    require_weights()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "edge") as opened:
        yield opened


def imported(workspace: Workspace, names: Sequence[str]) -> None:
    """Import a file with one name a line."""
    path = workspace.folder.parent / "labels.txt"
    path.write_text("\n".join(names), encoding="utf-8")
    workspace.import_labels(read_labels(path))


def label(name: str) -> Label:
    return Label(LabelId(f"new {name}"), name)


def found(workspace: Workspace, text: str) -> tuple[str, ...]:
    (result,) = workspace.classify([text])
    assert not result.error
    return tuple(prediction.name for prediction in result.labels)


def names_of(workspace: Workspace) -> list[str]:
    return [node.name for node in workspace.index.snapshot().nodes.values()]


@pytest.mark.parametrize("method", METHODS)
def test_one_label(workspace: Workspace, method: str) -> None:
    imported(workspace, ["garden hose"])
    tree = workspace.build_index(method)
    assert (tree.nodes, tree.placements) == ((), ((0, "garden hose"),))
    assert found(workspace, "water for my roses") == ("garden hose",)
    growth = workspace.add_labels([label("kitchen knife")])
    assert growth.inserted == {"new kitchen knife": (workspace.index.root(),)}
    assert found(workspace, "a sharp knife for the kitchen")[0] == "kitchen knife"


def test_labels_of_one_name_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    path = tmp_path / "twins.csv"
    path.write_text("id,name\na,garden hose\nb,garden hose\n", encoding="utf-8")
    file = read_labels(path)
    assert [label.id for label in file.labels] == ["a", "b"]
    assert any("'garden hose' (a and b)" in note for note in file.notes)
    path = tmp_path / "twins.txt"
    path.write_text("garden hose\ngarden hose\n", encoding="utf-8")
    file = read_labels(path)
    assert [label.id for label in file.labels] == ["garden hose"]
    assert "1 rows equal to one above were passed over" in file.notes


@pytest.mark.parametrize("method", METHODS)
def test_two_labels_of_one_name_that_come_another_way_both_work(workspace: Workspace, method: str) -> None:
    workspace.index.add_labels([Label(LabelId(id_), "garden hose") for id_ in "ab"])
    tree = workspace.build_index(method, terminal_size=2)
    assert sorted(tree.placements) == [(0, "a"), (0, "b")]
    (result,) = workspace.classify(["garden hose"])
    assert sorted(prediction.label_id for prediction in result.labels) == ["a", "b"]
    growth = workspace.add_labels([Label(LabelId("c"), "garden hose")])
    assert growth.same_names == {"c": ("a", "b")}
    assert workspace.index.stats().labels_unplaced == 0


@pytest.mark.parametrize("method", METHODS)
def test_chinese_labels(workspace: Workspace, method: str) -> None:
    imported(workspace, CHINESE)
    workspace.build_index(method, terminal_size=6)
    stats = workspace.index.stats()
    assert (stats.labels, stats.labels_unplaced) == (len(CHINESE), 0)
    assert stats.largest_terminal <= 6
    assert any(word in name for name in names_of(workspace) for word in CHINESE)
    assert found(workspace, "笔记本电脑")[0] == "笔记本电脑"
    growth = workspace.add_labels([label("平板电脑")])
    assert list(growth.inserted) == ["new 平板电脑"]
    assert workspace.index.stats().labels_unplaced == 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("long", [LONG, "手" * 2_000], ids=["words", "one word"])
def test_a_label_of_2_000_characters(workspace: Workspace, method: str, long: str) -> None:
    long = long.strip()
    imported(workspace, [f"{colour} {thing}" for colour in COLOURS for thing in THINGS] + [long])
    workspace.build_index(method, terminal_size=5)
    stats = workspace.index.stats()
    assert (stats.labels, stats.labels_unplaced) == (21, 0)
    assert max(map(len, names_of(workspace))) <= 3 * LONGEST_TERM + 10
    assert found(workspace, "a red lamp")[0] == "red lamp"
    assert long in found(workspace, long)
    growth = workspace.add_labels([label("pink shoe"), label(long[::-1])])
    assert set(growth.inserted) == {"new pink shoe", f"new {long[::-1]}"}
    assert workspace.index.stats().labels_unplaced == 0


def test_no_label_at_all(workspace: Workspace) -> None:
    for method in METHODS:
        with pytest.raises(InputError, match="has no labels yet; import some: taxonaut labels import FILE"):
            workspace.build_index(method)
