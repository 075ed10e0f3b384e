"""Audits and disagreements: what is drawn, asked and kept, and where the experts differ."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import shop_expert
from fakes import FakeEmbedder
from shop_expert import FAIR, SURE, TIE, product

from taxonaut import Workspace
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import InputError, NotFoundError, WorkspaceError
from taxonaut.state.graph_states.categorize import JudgedItem
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.recommendations import Recommendation
from taxonaut.workspace.expert.audit import audit, keeps_threshold, sample_items
from taxonaut.workspace.expert.audit_file import (
    Audit,
    Audited,
    audit_path,
    load_audit,
    require_audit,
    save_audit,
)
from taxonaut.workspace.expert.disagreements import DISAGREEMENT, find_disagreements
from taxonaut.workspace.files.table_writers.cells import cell_text

ROWS = [
    product("right", "red apples", "apples"),
    product("wrong label", "hiking boots", "apples"),
    product("blind", "running shoes for pears", "pears"),
    product("tie", "boots for tents", "tents"),
    product("none", "green things", "pears"),
]
SAYS = {"right": "apples", "wrong label": "boots", "blind": "pears", "tie": "tents", "none": None}
BY_TEXT = {row.item.text: SAYS[row.item.id] for row in ROWS} | {
    "crisp red apples ": "apples",
    "Crisp  RED apples": "apples",
}


def rule(request: ModelRequest) -> dict[str, object]:
    """Choose as `SAYS` has it, and say why."""
    wanted = BY_TEXT[request.text]
    numbers = [choice.id for choice in request.choices if wanted and wanted in choice.texts[0].casefold()]
    return {request.field: numbers or [0], "reason": f"because of {wanted}"}


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel(rule=rule)


@pytest.fixture
def workspace(tmp_path: Path, model: ScriptedModel, words: FakeEmbedder) -> Iterator[Workspace]:
    with shop_expert.make(tmp_path / "w", model, words) as made:
        yield made


def test_a_sample_is_drawn_from_what_has_gold_labels_in_the_order_of_the_file() -> None:
    rows = [product(str(at), f"text {at}", *(["apples"] if at % 2 else [])) for at in range(100)]
    rows += [product("blank", "  ", "apples")]
    sample = sample_items(rows, 10, seed=1)
    numbers = [int(row.item.id) for row in sample.rows]
    assert (len(numbers), numbers == sorted(numbers), {number % 2 for number in numbers}) == (10, True, {1})
    assert (sample.of, sample.blank, sample.without_gold) == (101, 1, 50)
    assert sample_items(rows, 10, seed=1) == sample
    assert sample_items(rows, 10, seed=2) != sample
    assert [len(sample_items(rows, size, 0).rows) for size in (0, 50, 1000)] == [50, 50, 50]
    without = [replace(row, gold=()) for row in rows]
    assert (len(sample_items(without, 0, 0).rows), sample_items(without, 0, 0).without_gold) == (100, 0)
    with pytest.raises(InputError, match="none of 1 items has a text; an audit needs some"):
        sample_items([product("blank", "  ", "apples")], 0, 0)


def test_both_experts_say_something_of_every_product(workspace: Workspace, model: ScriptedModel) -> None:
    run = audit(workspace, ROWS, source="dev.jsonl", sample_seed=3)
    assert (run.audit.expert, run.audit.source, run.audit.seed, run.trained_on) == (1, "dev.jsonl", 3, 0)
    assert [(row.item.id, row.domain, row.general) for row in run.audit.rows] == [
        ("right", "apples", "apples"),
        ("wrong label", "boots", "boots"),
        ("blind", "shoes", "pears"),
        ("tie", "boots", "tents"),
        ("none", "pears", None),
    ]
    assert run.audit.rows[4].said == JudgedItem(ItemId("none"), (), "none", "because of None")
    assert (len(model.history), run.totals.requests) == (5, 5)
    again = audit(workspace, ROWS, source="dev.jsonl", sample_seed=3)
    assert again.audit.rows == run.audit.rows
    assert (len(model.history), again.totals.requests) == (5, 0)
    assert load_audit(workspace, 1) is None


def test_products_that_were_trained_on_are_counted(workspace: Workspace) -> None:
    seen = product("seen", "crisp red apples ", "apples")
    run = audit(workspace, [ROWS[0], seen], anyway=True)
    assert (run.trained_on, run.unknown) == (1, ())


def test_gold_labels_that_the_workspace_does_not_have(workspace: Workspace) -> None:
    rows = [replace(ROWS[0], gold=(LabelId("what"), LabelId("apples"))), ROWS[1]]
    assert audit(workspace, rows).unknown == ("what",)


def test_an_audit_is_kept_beside_its_expert(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError) as refused:
        require_audit(workspace, 1)
    assert str(refused.value) == (
        "expert 1 has not been audited; run: taxonaut expert audit ITEMS --expert 1"
    )
    odd = product("\ud800", "“tea”\0\n", "apples").item
    abstained = Audited(odd, (), Recommendation(odd.id, (), ()), None)
    found = audit(workspace, ROWS).audit
    kept = replace(found, rows=(*found.rows, abstained), threshold=0.25, proposal={"rule": "best"})
    path = save_audit(workspace, kept)
    assert path == workspace.folder / "experts" / "1" / "audit.json"
    assert require_audit(workspace, 1) == kept
    assert [each.name for each in path.parent.glob(".*")] == []
    assert workspace.experts.card(1).number == 1


@pytest.mark.parametrize("damage", ["{", "{}", '{"rows": 3}', "[]"])
def test_a_damaged_audit(workspace: Workspace, damage: str) -> None:
    path = audit_path(workspace, 1)
    path.write_text(damage, encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"cannot read .*audit\.json' .* remove it and audit again"):
        load_audit(workspace, 1)


def test_where_the_experts_differ_the_surest_first(workspace: Workspace) -> None:
    kept = audit(workspace, ROWS).audit
    found = find_disagreements(workspace, kept, 0.5)
    assert [(each.row.item.id, each.row.recommended.confidence, each.right) for each in found] == [
        ("blind", 0.9459, "general"),
        ("none", FAIR, "domain"),
    ]
    blind, none = found
    assert (blind.domain, blind.general, blind.gold) == (
        ("Sport", "Shoes", "Running shoes"),
        ("Food", "Fruit", "Green pears"),
        (("Food", "Fruit", "Green pears"),),
    )
    assert blind.domain_reason == "94.6%; like “fast running shoes”"
    assert blind.general_reason == "because of pears"
    assert none.general is None
    assert [each.row.item.id for each in find_disagreements(workspace, kept, 0.0)] == ["blind", "none", "tie"]
    assert find_disagreements(workspace, kept, 0.95) == []


class ExplainingExpert(shop_expert.WordExpert):
    """Says which category speaks for itself."""

    def explain(self, text: str, label: LabelId) -> str:
        return f"{label} by its words"


def test_the_words_that_a_classifier_gives_as_its_reason(
    tmp_path: Path, model: ScriptedModel, words: FakeEmbedder
) -> None:
    with shop_expert.make(tmp_path / "w", model, words, ExplainingExpert()) as workspace:
        kept = audit(workspace, ROWS).audit
        found = find_disagreements(workspace, kept, 0.5)
    assert [each.domain_reason for each in found] == [
        "94.6%; for shoes by its words; like “fast running shoes”",
        "83.4%; for pears by its words; like “soft green pears”",
    ]


def test_a_category_that_is_gone_goes_by_its_id(workspace: Workspace) -> None:
    row = ROWS[0].item
    gone = Audited(
        row,
        (LabelId("gone"),),
        Recommendation(row.id, (LabelId("lost"),), (SURE,)),
        JudgedItem(row.id, (LabelId("boots"),), "general"),
    )
    (found,) = find_disagreements(workspace, Audit(1, "", "", "", 0, (gone,)), TIE)
    assert (found.domain, found.gold, found.right) == (("lost",), (("gone",),), "neither")
    assert found.domain_reason == "99.0%; no training product; known by the category's text"


def test_a_disagreement_in_a_file(workspace: Workspace) -> None:
    found = find_disagreements(workspace, audit(workspace, ROWS).audit, 0.9)[0]
    cells = zip(DISAGREEMENT.columns, DISAGREEMENT.cells(found), strict=True)
    texts = {column.name: cell_text(cell, column) if column.lists else cell for column, cell in cells}
    assert {"id": DISAGREEMENT.row(found)["id"], **texts} == {
        "id": "blind",
        "text": "running shoes for pears",
        "confidence": 0.9459,
        "domain": "shoes",
        "domain_path": "Sport > Shoes > Running shoes",
        "domain_reason": "94.6%; like “fast running shoes”",
        "general": "pears",
        "general_path": "Food > Fruit > Green pears",
        "general_reason": "because of pears",
        "gold": "pears",
        "gold_paths": "Food > Fruit > Green pears",
        "right": "general",
    }
    assert list(DISAGREEMENT.row(found)) == ["id", *DISAGREEMENT.names]


def test_items_that_were_trained_on_are_refused_before_anything_is_asked(
    workspace: Workspace, model: ScriptedModel
) -> None:
    seen = product("other id", "Crisp  RED apples", "apples")
    with pytest.raises(InputError, match=r"expert 1 was trained on 1 of these 2 items: .* with --anyway"):
        audit(workspace, [ROWS[0], seen])
    assert model.history == []
    few = [*(replace(ROWS[0], item=product(str(n), "red apples").item) for n in range(9)), seen]
    run = audit(workspace, few)
    assert (run.trained_on, keeps_threshold(run.audit)) == (1, True)
    marked = audit(workspace, [ROWS[0], seen], anyway=True)
    assert (marked.audit.trained_on, keeps_threshold(marked.audit)) == (1, False)
    save_audit(workspace, marked.audit)
    assert require_audit(workspace, 1).trained_on == 1
