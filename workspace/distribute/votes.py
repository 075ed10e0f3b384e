"""Annotators' votes of items: which labels each of them gave, and the share of annotators who gave each label."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.reader import IndexReader
from taxonaut.state.records import Item
from taxonaut.workspace.files.gold_forms import find_labels
from taxonaut.workspace.files.item_files import ANNOTATORS, ItemRow, read_votes


@dataclass(frozen=True, slots=True)
class VotedItems:
    """Items with the labels that each annotator gave.

    `votes`: for each item an array (annotators, L) of 0 and 1. `shares` (n, L): the share of an item's annotators who
    gave each label. `notes` say what was left out, for the user.
    """

    items: tuple[Item, ...]
    votes: tuple[NDArray[np.bool_], ...]
    shares: NDArray[np.float64]
    notes: tuple[str, ...] = ()


def read_voted(
    index: IndexReader, labels: Sequence[LabelId], rows: Sequence[ItemRow], *, skip_unknown: bool = False
) -> VotedItems:
    """Return items with their votes: of the column `annotators`, else their gold labels as one annotator's.

    An annotator is a list of labels (ids, names or paths), an empty one for *none of them*. Null is an annotator who
    did not answer, and is left out; so is an item without any answer. Raises InputError for votes for labels that do
    not exist, unless `skip_unknown`, and where nothing is left.
    """
    place = {label: number for number, label in enumerate(labels)}
    read = [read_votes(row) for row in rows]
    texts = {text for each in read for vote in each or () for text in vote or ()}
    found = find_labels(index, sorted(texts))
    unknown = sorted(text for text in texts if found.get(text) not in place)
    if unknown and not skip_unknown:
        raise InputError(
            f"annotators gave labels that are not in the set: {', '.join(map(repr, unknown[:5]))}"
            f"{f' and {len(unknown) - 5:,} more' if len(unknown) > 5 else ''}; correct them, import these labels, or "
            "leave them out with --skip-unknown"
        )
    items, votes, silent, nobody = [], [], 0, 0
    for row, given in zip(rows, read, strict=True):
        answers = [vote for vote in given or () if vote is not None]
        silent += len(given or ()) - len(answers)
        if given is None:
            answers = [tuple(row.gold)] if row.gold else []
        if not answers:
            nobody += 1
            continue
        matrix = np.zeros((len(answers), len(labels)), bool)
        for number, vote in enumerate(answers):
            for text in vote:
                label = found.get(text, LabelId(text))
                if label in place:
                    matrix[number, place[label]] = True
        items.append(row.item)
        votes.append(matrix)
    if not items:
        raise InputError(
            f"no item has votes: give each a column {ANNOTATORS!r}, a list with the list of labels of each "
            "annotator, or labels (--labels-column)"
        )
    notes = []
    if silent:
        notes.append(f"{silent:,} annotators without an answer are left out")
    if nobody:
        notes.append(f"{nobody:,} items without votes are left out")
    if unknown:
        notes.append(f"votes for {len(unknown):,} labels that are not in the set are left out")
    shares = np.array([each.mean(axis=0) for each in votes], np.float64)
    return VotedItems(tuple(items), tuple(votes), shares, tuple(notes))


def digest_votes(voted: VotedItems) -> str:
    """Return what a fingerprint says of votes."""
    return json.dumps([[item.id for item in voted.items], np.round(voted.shares, 6).sum(axis=1).tolist()])
