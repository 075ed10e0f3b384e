"""The queue goes to Label Studio and Argilla in their formats, and answers come back."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import make_workspace

from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.workspace.review.handover import (
    apply_answers,
    open_items,
    read_answers,
    write_interface,
    write_tasks,
)
from taxonaut.workspace.review.suspects import Suggestion, Suspect
from taxonaut.workspace.workspace import Workspace

SHOES = ("Sport", "Shoes", "Running shoes")
APPLES = ("Food", "Fruit", "Red apples")
TEXT = 'fast <b>shoes</b> & "laces"'


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with make_workspace(tmp_path) as made:
        found = [
            Suspect(
                Item(ItemId(f"i{number}"), f"{TEXT} {number}"),
                (LabelId("apples"),),
                (APPLES,),
                (Suggestion(LabelId("shoes"), SHOES, 0.75),),
                0.9,
                ("a reason",),
            )
            for number in range(4)
        ]
        made.review_queue().put("errors", found)
        yield made


def label_studio(task: dict[str, Any], **annotation: Any) -> dict[str, Any]:
    return {"id": 3, **task, "annotations": [{"id": 1, "was_cancelled": False, **annotation}]}


def taxonomy(*paths: tuple[str, ...]) -> list[dict[str, Any]]:
    value = {"taxonomy": [list(path) for path in paths]}
    return [
        {"from_name": "labels", "to_name": "text", "type": "taxonomy", "value": value, "origin": "manual"}
    ]


def verdict(words: str) -> list[dict[str, Any]]:
    return [{"from_name": "verdict", "to_name": "text", "type": "choices", "value": {"choices": [words]}}]


def decided(workspace: Workspace) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [
        (each.item.suspect.item.id, each.person, each.decision.kind, tuple(each.decision.labels))
        for each in workspace.review_queue().decisions()
    ]


def test_label_studio_round_trip(workspace: Workspace) -> None:
    queue = workspace.review_queue("Ada")
    tasks = json.loads(write_tasks(open_items(queue), "label-studio"))
    assert tasks[0]["data"]["text"] == f"{TEXT} 0"
    assert tasks[0]["data"]["now"] == "Food > Fruit > Red apples"
    (prediction,) = tasks[0]["predictions"]
    assert prediction["score"] == 0.75
    assert prediction["result"][0]["value"] == {"taxonomy": [list(SHOES)]}
    answers = [
        label_studio(tasks[0], completed_by={"id": 4, "email": "bea@shop.example"}, result=taxonomy(SHOES)),
        label_studio(tasks[1], completed_by=7, result=taxonomy(APPLES)),
        label_studio(tasks[2], completed_by=7, result=verdict("none of these")),
        label_studio(tasks[3], completed_by=7, result=taxonomy(SHOES), was_cancelled=True),
    ]
    found = read_answers(workspace, queue, json.dumps(answers))
    assert (found.format, found.blank, found.refused) == ("label-studio", 1, ())
    assert apply_answers(queue, found) == 3
    assert decided(workspace) == [
        ("i0", "bea@shop.example (label-studio)", "label", ("shoes",)),
        ("i1", "7 (label-studio)", "keep", ()),
        ("i2", "7 (label-studio)", "none", ()),
    ]
    assert apply_answers(queue, read_answers(workspace, queue, json.dumps(answers))) == 0, "the same again"


def test_the_labeling_interface_has_the_tree(workspace: Workspace) -> None:
    root = ET.fromstring(write_interface(workspace.index, "label-studio"))
    (tag,) = root.iter("Taxonomy")

    def paths(element: ET.Element, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for each in element:
            here = (*above, each.get("value", ""))
            yield from paths(each, here)
            if not len(each):
                yield here

    assert SHOES in set(paths(tag, ()))
    assert len(set(paths(tag, ()))) == 5
    (text,) = root.iter("Text")
    assert tag.get("toName") == text.get("name")


def test_argilla_round_trip(workspace: Workspace) -> None:
    queue = workspace.review_queue("Ada")
    records = json.loads(write_tasks(open_items(queue), "argilla"))
    assert records[0]["suggestions"] == {"labels": {"value": ["shoes"], "score": [0.75], "agent": "taxonaut"}}
    assert set(json.loads(write_interface(workspace.index, "argilla"))["labels"]) >= {"shoes", "apples"}
    user = "8f3c1c1e-0000-4000-8000-000000000001"
    records[0]["responses"] = {"labels": [{"value": ["shoes"], "user_id": user}]}
    records[1]["responses"] = {"verdict": [{"value": "cannot decide", "user_id": user}]}
    records[2]["responses"] = {"labels": [{"value": ["no such label"], "user_id": user}]}
    found = read_answers(workspace, queue, json.dumps(records))
    assert (found.format, found.blank) == ("argilla", 1)
    assert [(each.item, "no label 'no such label'" in each.why) for each in found.refused] == [("i2", True)]
    assert apply_answers(queue, found) == 2
    assert decided(workspace) == [
        ("i0", f"{user} (argilla)", "label", ("shoes",)),
        ("i1", f"{user} (argilla)", "undecided", ()),
    ]


def test_what_does_not_fit_is_refused_with_its_reason(workspace: Workspace) -> None:
    queue = workspace.review_queue("Ada")
    task = json.loads(write_tasks(open_items(queue), "label-studio"))[0]
    other = {**task, "data": {**task["data"], "text": "another text"}}
    unknown = {**task, "data": {**task["data"], "key": "none"}}
    answers = [label_studio(each, result=taxonomy(SHOES)) for each in (other, unknown)]
    found = read_answers(workspace, queue, json.dumps(answers))
    assert not found.decisions
    assert "another one" in found.refused[0].why
    assert "no such item" in found.refused[1].why
    for text in ("{", "[]", "[1]", '[{"text": "min"}]', "[" * 100_000):
        with pytest.raises(InputError, match="Label Studio"):
            read_answers(workspace, queue, text)
