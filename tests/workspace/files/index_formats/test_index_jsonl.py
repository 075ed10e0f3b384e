"""Whatever the index: written as JSON lines and read again, it is the same index, orders included."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from index_changes import without_ids

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.index.label_operations import names_given, places_before
from taxonaut.state.index.snapshot import Snapshot
from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.workspace.files.index_formats.index_file import IndexFile
from taxonaut.workspace.files.index_formats.index_jsonl import jsonl_lines, read_jsonl
from taxonaut.workspace.files.index_formats.label_history import load_history
from taxonaut.workspace.files.sources import open_source

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = texts.filter(lambda text: bool(text.strip()))
lists = st.lists(texts, max_size=2).map(tuple)
picks = st.lists(st.integers(0, 99), min_size=1, max_size=3)


@st.composite
def trees(draw: st.DrawFn) -> IndexFile:
    ids = draw(st.lists(texts.filter(bool), min_size=1, max_size=6, unique=True))
    labels = tuple(Label(LabelId(id_), draw(names), draw(texts), draw(names), draw(lists)) for id_ in ids)
    parents = draw(st.lists(picks, max_size=5))
    nodes = tuple(
        TreeNode(
            key,
            draw(names),
            draw(texts),
            draw(st.one_of(st.none(), st.sampled_from([label.id for label in labels]))) if key else None,
            *(draw(lists) for _ in range(3)),
        )
        for key in range(len(parents) + 1)
    )
    edges = {(above % key, key): None for key, some in enumerate(parents, start=1) for above in some}
    placements = {(key % len(nodes), label.id): None for label in labels for key in draw(picks)}
    return IndexFile(
        "drawn",
        labels,
        Tree("drawn", nodes, draw(st.permutations(list(edges))), draw(st.permutations(list(placements)))),  # type: ignore[arg-type]
    )


def loaded(index: Index, file: IndexFile) -> Snapshot:
    index.add_labels(file.labels)
    index.load_tree(file.tree)
    load_history(index, file.history)
    return index.snapshot()


def operate(index: Index, kind: int, one: int, two: int) -> None:
    """Retire, merge, split or restore a label, or give it another id, if that can be."""
    live = index.label_ids()
    here, there = live[one % len(live)], live[two % len(live)]
    if len(live) < 3 or here == there:
        return
    with suppress(InputError):
        match kind:
            case 0:
                index.retire_labels([here], replaced_by={here: [there]} if two % 2 else {}, reason="old")
            case 1:
                index.merge_labels(there, [here], reason="same")
            case 2:
                index.split_label(here, (index.label(there), Label(LabelId(f"part of {here}"), "Part")))
            case 3:
                index.reid_labels({here: LabelId(f"{here} new")}, reason="codes")
            case _:
                index.restore_labels(list(index.snapshot().retired)[:1])


def history(found: Snapshot) -> tuple[object, ...]:
    """Return the retired labels, and the mappings with the places where labels stood."""
    return found.retired, [
        (replace(each, former=""), places_before(each), names_given(each)) for each in found.mappings.values()
    ]


@settings(max_examples=15, deadline=None)
@given(trees(), st.lists(st.tuples(st.integers(0, 4), st.integers(0, 99), st.integers(0, 99)), max_size=4))
def test_an_index_comes_back(file: IndexFile, steps: list[tuple[int, int, int]]) -> None:
    with Database.in_memory() as database, Database.in_memory() as other, TemporaryDirectory() as folder:
        index = Index(database)
        loaded(index, file)
        for kind, one, two in steps:
            nodes = list(index.snapshot().nodes)
            here, there = NodeId(nodes[one % len(nodes)]), NodeId(nodes[two % len(nodes)])
            calls = (index.add_edge, index.move_node, index.merge_nodes)
            with suppress(InputError):
                if kind < 3:
                    calls[kind](here, there)
                else:
                    index.dissolve_node(here)
            operate(index, kind, two, one)
        before = index.snapshot()
        path = Path(folder) / "tree.jsonl"
        with path.open("w", encoding="utf-8", newline="") as written:
            written.writelines(jsonl_lines(before))
        read = read_jsonl(open_source(path))
        after = loaded(Index(other), read)
        assert without_ids(after) == without_ids(before)
        assert history(after) == history(before)
