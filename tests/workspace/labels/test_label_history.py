"""Label operations, updates and undos in any order: nothing is lost; all undone, the index is as before."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import word_embedder
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from taxonaut import InputError, ItemId, Label, LabelFile, LabelId, NotFoundError, Workspace
from taxonaut.state.index.snapshot import Snapshot
from taxonaut.state.stores.ledger import Ledger, Statement
from taxonaut.workspace.files.label_graph import LabelRow
from taxonaut.workspace.labels.label_update import AcceptRule

pytestmark = pytest.mark.slow

Row = tuple[str, str, str, tuple[str, ...]]
"""Id, name, parent's id or "", alternative names."""
SHOP: tuple[Row, ...] = (
    ("k", "Kitchen", "", ()),
    ("k1", "Kettles", "k", ("Teapots",)),
    ("k2", "Pots and Pans", "k", ()),
    ("k3", "Toasters", "k", ()),
    ("g", "Garden", "", ()),
    ("g1", "Hoses", "g", ()),
    ("g2", "Rakes", "g", ()),
    ("g21", "Leaf Rakes", "g2", ()),
)
EVERYTHING = AcceptRule(min_score=0, overwrite=True)
numbers = st.integers(0, 10**6)
steps = st.lists(st.tuples(st.integers(0, 10), numbers, numbers), min_size=3, max_size=9)


def file_of(rows: Sequence[Row]) -> LabelFile:
    return LabelFile(
        "shop.csv",
        tuple(
            LabelRow(
                Label(LabelId(id_), name, alternatives=others), parents=(LabelId(above),) if above else ()
            )
            for id_, name, above, others in rows
        ),
    )


def edited(rows: Sequence[Row], one: int, other: int) -> list[Row]:
    """A later version of the file: a label renamed, moved, gone, merged, split, renumbered or new."""
    found = {row[0]: row for row in rows}
    id_, name, above, others = rows[one % len(rows)]
    heir = rows[other % len(rows)]
    leaf = all(row[2] != id_ for row in rows)
    kind = one // 10 % 7
    if kind == 0:
        found[id_] = (id_, f"{name} {other % 3}", above, others)
    elif kind == 1 and leaf and heir[0] != id_:
        found[id_] = (id_, name, heir[0], others)
    elif kind == 2 and leaf:
        del found[id_]
    elif kind == 3 and leaf and heir[0] != id_:
        del found[id_]
        found[heir[0]] = (*heir[:3], (*heir[3], name))
    elif kind == 4 and id_ == "k2":
        del found[id_]
        found |= {"k21": ("k21", "Pots", "k", ()), "k22": ("k22", "Pans", "k", ())}
    elif kind == 5 and leaf:
        del found[id_]
        found[f"{id_}x"] = (f"{id_}x", name, above, others)
    else:
        found[f"n{other % 3}"] = (f"n{other % 3}", f"News {other % 3}", "g", ())
    return list(found.values())


def operation(workspace: Workspace, kind: int, one: int, other: int) -> Callable[[], object]:
    """An operation on labels, these drawn."""
    index = workspace.index
    ids = index.label_ids(retired=True)
    this, that = ids[one % len(ids)], ids[other % len(ids)]
    nodes = list(index.snapshot().nodes)
    parts = [Label(LabelId(f"{this}-{part}"), f"Part {part}") for part in (1, 2)]
    calls: list[Callable[[], object]] = [
        lambda: index.merge_labels(this, [that], reason="one shelf"),
        lambda: index.move_label(this, nodes[other % len(nodes)]),
        lambda: index.split_label(this, parts if other % 2 else [parts[0], Label(that, "")]),
        lambda: index.retire_labels([this], replaced_by={this: [that]} if other % 2 else {}),
        lambda: index.restore_labels([this]),
        lambda: index.rename_labels({this: f"Name {other % 4}"}),
        lambda: index.reid_labels({this: LabelId(f"{this[:2]}r{other % 3}")}),
    ]
    return calls[kind]


def content(snapshot: Snapshot) -> Snapshot:
    """A snapshot without the number of its event."""
    return replace(snapshot, version=0)


def check(workspace: Workspace, known: set[LabelId], count: int, gold: Mapping[Any, Any]) -> None:
    """Every id that a label had leads somewhere, no label lost its row or its place, items keep theirs."""
    index = workspace.index
    mapped = {mapping.old for mapping in index.mappings()}
    live = set(index.label_ids())
    assert known <= live | mapped
    assert not live & mapped
    assert {index.resolve(id_).kind for id_ in known} <= {"live", "mapped", "ambiguous", "gone"}
    assert all(set(index.resolve(id_).labels) <= live for id_ in known)
    assert len(index.label_ids(retired=True)) >= count
    assert index.stats().labels_unplaced == 0
    assert Ledger(workspace.database).truths() == gold


@settings(max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(steps=steps)
def test_operations_updates_and_undos_lose_nothing(
    tmp_path_factory: pytest.TempPathFactory, steps: Sequence[tuple[int, int, int]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("history")
    with Workspace.init(folder / "w", embedder=word_embedder(16)) as workspace:
        index = workspace.index
        workspace.import_labels(file_of(SHOP))
        workspace.ledger.state(
            Statement(ItemId(row[0]), f"unit {row[0]}", right=[LabelId(row[0])], complete=True)
            for row in SHOP
        )
        gold = Ledger(workspace.database).truths()
        past = [content(index.snapshot())]
        seen = [set(index.label_ids())]
        versions = {index.version(): past[0]}
        rows: Sequence[Row] = SHOP
        for kind, one, other in steps:
            before = index.version()
            undone = kind == 7 and len(past) > 1
            if undone:
                index.undo()
                past.pop()
                seen.pop()
                assert content(index.snapshot()) == past[-1]
            elif kind >= 7:
                rows = SHOP if kind == 10 else edited(rows, one, other)
                workspace.update_labels(file_of(rows), EVERYTHING, same_ids=True)
            else:
                with suppress(InputError, NotFoundError):
                    operation(workspace, kind, one, other)()
            now = content(index.snapshot())
            versions[index.version()] = now
            if not undone and index.version() != before:
                past.append(now)
                seen.append(seen[-1] | set(index.label_ids()))
            check(workspace, seen[-1], len({*past[-1].labels, *past[-1].retired}), gold)
        for version, then in versions.items():
            assert content(index.snapshot(version)) == then
        while len(past) > 1:
            index.undo()
            past.pop()
            assert content(index.snapshot()) == past[-1]
