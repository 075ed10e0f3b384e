"""Whatever the labels and their tree: written as CSV and read again, they are the same."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.state.db.connection import Database
from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label
from taxonaut.workspace.files.index_formats.index_csv import read_csv, write_csv
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.files.label_graph import LabelRow
from taxonaut.workspace.files.native_tree import build_native_tree
from taxonaut.workspace.files.sources import open_source

NAMES = ("Other", "Live", "A > B", "=1+1", "'=x", "[b]", 'say "a"\nb', "1.10", "a;b", "-", "0")
IDS = ("1", "2", "01", "1.10", "=x", "'=y", "a;b", "[c", "node 1", "https://x.org/7#8", "x > y")
Shown = tuple[list[tuple[str, str]], list[tuple[str, str]], list[tuple[str, str, str, tuple[str, ...]]]]


@st.composite
def label_rows(draw: st.DrawFn) -> list[LabelRow]:
    """Labels in a tree, some with inner nodes that are none, siblings with one name among them."""
    ids = draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=8, unique=True))
    rows: list[LabelRow] = []
    for place, id in enumerate(ids):
        above = draw(st.integers(-1, place - 1))
        others = tuple(draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True)))
        name = draw(st.sampled_from(NAMES))
        label = Label(
            LabelId(id), name, draw(st.sampled_from(("", "+1", "text"))),
            alternatives=tuple(other for other in others if other.casefold() != name.casefold()),
        )  # fmt: skip
        parents = (rows[above].label.id,) if above >= 0 else ()
        rows.append(LabelRow(label, parents=parents, is_node=draw(st.integers(0, 3)) == 0))
    return rows


def filled(rows: list[LabelRow], index: Index) -> Index:
    """Put labels and their tree into an index."""
    labels = [row.label for row in rows if not row.is_node]
    index.add_labels(labels)
    index.load_tree(build_native_tree(rows))
    return index


def shown(index: Index) -> Shown:
    """Return edges and placements by the paths of nodes, and the labels."""
    found = index.snapshot()
    root, *_ = found.nodes
    ways: dict[int, str] = {root: ""}
    pending = [root]
    while pending:
        node = pending.pop()
        for child in found.children.get(node, ()):
            ways[child] = f"{ways[node]}/{found.nodes[child].label_id or ''}{found.nodes[child].name}"
            pending.append(child)
    return (
        sorted((ways[above], ways[below]) for above, below in found.edges),
        sorted((ways[node], label) for node, label in found.placements),
        sorted((each.id, each.name, each.description, each.alternatives) for each in found.labels.values()),
    )


@settings(max_examples=40, deadline=None)
@given(label_rows(), st.booleans())
def test_an_index_read_from_its_csv_is_the_same(rows: list[LabelRow], guarded: bool) -> None:
    if all(row.is_node for row in rows):
        return
    with TemporaryDirectory() as folder, Database.in_memory() as first, Database.in_memory() as second:
        index, path = filled(rows, Index(first)), Path(folder, "index.csv")
        with path.open("w", encoding="utf-8", newline="") as file:
            write_csv(index, file, guarded=guarded)
        read = read_csv(open_source(path))
        back = Index(second)
        back.add_labels(read.labels)
        back.load_tree(read.tree)
        assert shown(back) == shown(index)


@pytest.mark.parametrize("twins", [False, True])
def test_labels_import_reads_what_is_exported(index: Index, tmp_path: Path, twins: bool) -> None:
    names = {"1": "Horses", "2": "Other", "3": "Other" if twins else "Asses", "4": "Live", "5": "Live"}
    above = {"1": "", "2": "1", "3": "1", "4": "2", "5": "3"}
    rows = [
        LabelRow(Label(LabelId(id), name), parents=(LabelId(above[id]),) if above[id] else ())
        for id, name in names.items()
    ]
    with Database.in_memory() as database, (tmp_path / "x.csv").open("w", newline="") as file:
        before = filled(rows, Index(database))
        write_csv(before, file)
        file.flush()
        read = read_labels(tmp_path / "x.csv")
        with Database.in_memory() as other:
            assert shown(filled(list(read.rows), Index(other))) == shown(before)
    assert read.reading.shape == (
        "a tree by the parents in 'parents'" if twins else "a tree by the paths in 'path'"
    )
