"""Collisions, balance and entropy of slots, counted by hand."""

import csv
import io
import json

import pytest

from taxonaut.recommend import SlotRow, slot_rows_csv, slot_rows_text, slot_table
from taxonaut.recommend.slot_statistics import slot_rows_json
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.workspace.vocabulary.semantic_ids import Meaning, SemanticIds, Slot

IDS = {"1": ["a", "x"], "2": ["a", "y"], "3": ["b", "x"], "4": ["b", "x"]}


def test_rows_of_any_ids() -> None:
    assert slot_table(IDS) == [
        SlotRow("1", "token", None, 2, 0, 0, 1.0, 1.0, 1.0, 0.5, 2, 2, 2),
        SlotRow("2", "token", None, 2, 0, 0, 0.811278, 0.5, 0.811278, 0.75, 3, 1, 2),
    ]


def test_pads_and_near_descriptors_are_counted() -> None:
    slots = (Slot("l1", "level", "a", 4), Slot("r", "resolver", "b", 2))
    meanings = {
        "<a_0>": Meaning(NodeId(2), "Pens", ("Pens",)),
        "<a_2>": Meaning(NodeId(2), "Pens", ("Pens",), nearest=True),
    }
    tokens = {
        "1": ("<a_0>", "<b_0>"),
        "2": ("<a_2>", "<b_0>"),
        "3": ("<pad>", "<b_0>"),
        "4": ("<pad>", "<b_1>"),
    }
    ids = SemanticIds(slots, meanings, {ItemId(item): row for item, row in tokens.items()})
    first, last = slot_table(ids)
    assert first == SlotRow("l1", "level", 4, 2, 2, 1, 1.5, 1.5, 0.946395, 0.5, 3, 1, 2)
    assert (last.slot, last.kind, last.size, last.collisions, last.largest_group) == (
        "r",
        "resolver",
        2,
        0,
        1,
    )


def test_one_item() -> None:
    assert slot_table({"1": ["a"]}) == [SlotRow("1", "token", None, 1, 0, 0, 0.0, 0.0, 0.0, 1.0, 1, 0, 1)]


@pytest.mark.parametrize("ids", [{}, {"1": []}, {"1": ["a"], "2": ["a", "b"]}])
def test_ids_that_have_no_slots(ids: dict[str, list[str]]) -> None:
    with pytest.raises(InputError, match="as many tokens for each"):
        slot_table(ids)


def test_the_table_as_text_csv_and_json() -> None:
    rows = slot_table(IDS)
    assert slot_rows_text(rows) == [
        "slot  size  used  pads  near  entropy  given before  balance  largest  prefixes  collisions  largest group",
        "1        ?     2     0     0     1.00          1.00     1.00    50.0%         2           2              2",
        "2        ?     2     0     0     0.81          0.50     0.81    75.0%         3           1              2",
    ]
    read = list(csv.DictReader(io.StringIO(slot_rows_csv(rows))))
    assert (read[1]["entropy"], read[1]["size"], read[1]["collisions"]) == ("0.811278", "", "1")
    assert json.loads(slot_rows_json(rows))[0]["prefixes"] == 2
