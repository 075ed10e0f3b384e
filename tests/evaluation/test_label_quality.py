"""Labels one by one, and experts that are compared without being asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import shop_expert
from shop_expert import product

from taxonaut.evaluation.label_quality import Confusion, measure_labels
from taxonaut.evaluation.methods.workspace_experts import find_experts, seen_notes
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace


@pytest.fixture
def trained(tmp_path: Path) -> Iterator[Workspace]:
    with shop_expert.make(tmp_path / "w", ScriptedModel()) as made:
        yield made


def test_labels_by_hand(shop: Workspace, rows: list[ItemRow]) -> None:
    """Of boots and shoes one was answered, with tents; bread and pears both; apples not at all."""
    answers = {"one": ("boots", "tents"), "three": ("pears", "bread", "cakes"), "four": ("cakes",)}
    given = {ItemId(item): tuple(map(LabelId, labels)) for item, labels in answers.items()}
    found = {each.label_id: each for each in measure_labels(shop.index, rows, given, 2)}
    assert {label: (each.support, each.predicted, each.hits) for label, each in found.items()} == {
        "apples": (1, 0, 0), "shoes": (1, 0, 0), "tents": (0, 1, 0), "bread": (1, 1, 1), "pears": (1, 1, 1),
        "boots": (1, 1, 1),
    }  # fmt: skip
    assert list(found)[:3] == ["apples", "shoes", "tents"]
    apples, shoes, tents = (found[LabelId(name)] for name in ("apples", "shoes", "tents"))
    assert (apples.precision, apples.recall, apples.f1, tents.recall) == (None, 0.0, 0.0, None)
    assert apples.confused == (Confusion(None, (), 1),)
    assert shoes.confused == (Confusion(LabelId("tents"), ("Sport", "Camping", "Family tents"), 1),)


@pytest.mark.slow
def test_experts_of_these_labels_are_found_and_what_they_have_seen(trained: Workspace) -> None:
    rows = [product("new", "a pair of socks", "shoes"), product("none", "snow")]
    assert find_experts(trained, rows).methods == ("expert:expert=1",)
    assert seen_notes(trained, rows, ["expert", "bm25"]) == []
    assert seen_notes(trained, rows, ["expert:expert=7", "bm25"]) == []
    seen = [*rows, product("seen", "fast running shoes ", "shoes")]
    assert seen_notes(trained, seen, ["dual", "bm25"]) == [
        "expert 1 was trained on 1 of these 2 texts: its figures are too high; evaluate on texts it has not seen"
    ]
    others = find_experts(trained, [product("other", "a box", "boxes")])
    assert (others.methods, others.notes) == (
        (),
        ("expert 1 is left out: none of the right labels is one of its categories",),
    )
