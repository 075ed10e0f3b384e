"""Random histories of changes with undo: taken back, reopened, written and read, the index is what it was."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from attack.hostile import NAMES
from attack.report import Report
from index_changes import LABELS, change_index, dump, make_tree, without_ids

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import EventId
from taxonaut.state.index.index import Index
from taxonaut.state.records import TreeNode
from taxonaut.workspace.files.index_formats.index_csv import read_csv, write_csv
from taxonaut.workspace.files.index_formats.index_file import IndexFile
from taxonaut.workspace.files.index_formats.index_jsonl import jsonl_lines, read_jsonl
from taxonaut.workspace.files.sources import open_source

LONGEST = 7
KINDS = 22
HELD = 25
"""So many histories follow each other in a file: what they begin with is what the one before left after its undo."""


def run(count: int, seed: int, folder: Path, report: Report) -> None:
    """Make so many histories."""
    file = folder / "history.duckdb"
    with Database.in_memory() as other:
        for first in range(0, count, HELD):
            file.unlink(missing_ok=True)
            database = Database.open(file, threads=1)
            make_tree(Index(database))
            for number in range(first, min(first + HELD, count)):
                database = follow(number, seed, database, other, report)
            database.close()


def follow(number: int, seed: int, database: Database, other: Database, report: Report) -> Database:
    """Change an index, reopen it, write it and read it, then take all of it back; returns the reopened database."""
    name, chance = f"history {number} of seed {seed}", random.Random(f"{seed} {number}")
    index, file = Index(database), database.path
    assert file is not None
    first = facts(index)
    versions = change_randomly(index, chance, chance.randint(2, LONGEST))
    last = dump(index)
    database.close()
    again = Database.open(file, threads=1)
    index = Index(again)
    report.count("reopened", histories=1, changes=len(versions))
    if dump(index) != last:
        report.lose("reopened", name)
    if index.label_ids():  # without labels there is nothing to export
        check_jsonl(index, file.with_suffix(".jsonl"), other, report, name)
    if index.label_ids() and number % 2:
        check_csv(index, file.with_suffix(".csv"), other, report, name, guarded=number % 4 == 1)
    try:
        for version in reversed(versions):
            report.count("undone", changes=1)
            index.undo_change(index.events.get(version).change)
    except InputError as error:
        report.lose("undone", f"{name}: {error}")
    if facts(index) != first:
        report.lose("undone", name)
    return again


def change_randomly(index: Index, chance: random.Random, steps: int) -> list[EventId]:
    """Make changes; returns the versions after those that were not refused."""
    versions = [index.version()]
    for _ in range(steps):
        if chance.random() < 0.4:
            change_names(index, chance)
        else:
            change_index(index, chance.randrange(KINDS), chance.randrange(10**6), chance.randrange(10**6))
        if index.version() != versions[-1]:
            versions.append(index.version())
    return versions[1:]


def facts(index: Index) -> Any:
    """What an index holds, orders included, in few queries; `dump` asks it for everything in every way."""
    now = index.snapshot()
    return (
        now.tree,
        now.method,
        now.nodes,
        list(now.labels.values()),
        now.children,
        now.parents,
        now.labels_at,
        now.nodes_of,
        list(now.retired.values()),
        dict(now.mappings),
    )


def change_names(index: Index, chance: random.Random) -> None:
    """Give a node or a label a hostile name, description or word."""
    node = chance.choice(list(index.snapshot().nodes))
    label, name, other = chance.choice(LABELS), chance.choice(NAMES), chance.choice(NAMES)
    words = (name, other)
    calls: list[Callable[[], object]] = [
        lambda: index.rename_node(node, name),
        lambda: index.rename_labels({label: name}),
        lambda: index.describe_labels({label: name}),
        lambda: index.create_node(node, name, other, words, words),
        lambda: index.create_nodes([(node, TreeNode(0, name, other, None, words, words, words))]),
    ]
    try:
        chance.choice(calls)()
    except (InputError, NotFoundError):
        return


def check_jsonl(index: Index, path: Path, other: Database, report: Report, name: str) -> None:
    """Write the index as JSON lines and read it into another one: it is the same, orders included."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(jsonl_lines(index.snapshot()))
    report.count("JSON lines", files=1)
    with loaded(other, read_jsonl(open_source(path))) as read:
        if without_ids(read.snapshot()) != without_ids(index.snapshot()):
            report.lose("JSON lines", name)


def check_csv(index: Index, path: Path, other: Database, report: Report, name: str, *, guarded: bool) -> None:
    """Write the index as CSV and read it into another one: all labels with descriptions and paths are there."""
    row = "CSV for spreadsheets" if guarded else "CSV"
    with path.open("w", encoding="utf-8", newline="") as file:
        write_csv(index, file, guarded=guarded)
    report.count(row, files=1)
    try:
        found = read_csv(open_source(path))
    except InputError:
        return report.count(row, refused=1)
    with loaded(other, found) as read:
        if written_labels(read) != written_labels(index):
            report.lose(row, name)
    return None


class Over(Exception):
    """Rolls a transaction back."""


@contextmanager
def loaded(database: Database, file: IndexFile) -> Iterator[Index]:
    """Put a file's labels and tree into an empty index, for the block."""
    with suppress(Over), database.write():
        index = Index(database)
        index.add_labels(file.labels)
        index.load_tree(file.tree, allow_unplaced=True)
        yield index
        raise Over


def written_labels(index: Index) -> Any:
    """What CSV keeps: each label with its name, description (without blanks around it) and paths."""
    labels = index.all_labels()
    paths = index.paths_of([label.id for label in labels])
    return {
        label.id: (label.name, label.description.strip(), sorted(paths[label.id] or [(label.name,)]))
        for label in labels
    }
