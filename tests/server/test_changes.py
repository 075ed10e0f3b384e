"""Changes over the API: previews, log, undo; corrections and reviews."""

import httpx
from serving import BEARER

from taxonaut.state.ids import LabelId
from taxonaut.state.records import as_item
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.review.suspects import Suspect
from taxonaut.workspace.workspace import Workspace


async def test_a_change_is_previewed_made_logged_and_undone(
    client: httpx.AsyncClient, workspace: Workspace
) -> None:
    client.headers.update(BEARER)
    change = {"kind": "rename_label", "label": "Green pears", "name": "Pears"}
    seen = (await client.post("/api/changes/preview", json=change)).json()
    assert seen["number"] is None
    assert seen["diff"]["labels_renamed"] == [
        {"id": "pears", "name": "Pears", "former": "Green pears", "present": "Pears"}
    ]
    assert workspace.index.label(LabelId("pears")).name == "Green pears", "nothing was written"
    made = (await client.post("/api/changes", json={"change": change, "version": seen["version"]})).json()
    assert workspace.index.label(LabelId("pears")).name == "Pears"
    log = (await client.get("/api/changes", params={"limit": 1})).json()
    assert log["entries"][0]["number"] == made["number"]
    older = (await client.get("/api/changes", params={"after": log["next"]})).json()
    assert [each["note"] for each in older["entries"]] == ["import labels.csv"]
    undone = (await client.post("/api/changes/undo", json={"number": made["number"]})).json()
    assert workspace.index.label(LabelId("pears")).name == "Green pears"
    assert undone["number"] == workspace.index.version()
    since = (await client.get("/api/diff", params={"before": made["number"]})).json()
    assert since["labels_renamed"][0]["present"] == "Green pears"
    between = (
        await client.get("/api/diff", params={"before": seen["version"], "after": made["number"]})
    ).json()
    assert between["labels_renamed"][0]["present"] == "Pears"


async def test_every_kind_of_change(client: httpx.AsyncClient, workspace: Workspace) -> None:
    client.headers.update(BEARER)
    for change in (
        {"kind": "add_label", "name": "Blue plums", "under": "Food > Fruit"},
        {"kind": "move_label", "label": "blue-plums", "to": "Sport"},
        {"kind": "merge_labels", "keep": "apples", "away": ["pears"]},
        {"kind": "split_label", "label": "shoes", "parts": ["Trail shoes", "Road shoes"]},
        {"kind": "retire_labels", "labels": ["tents"], "reason": "not sold"},
        {"kind": "restore_labels", "labels": ["tents"]},
        {"kind": "rename_node", "node": "Food > Fruit", "name": "Fresh fruit"},
        {"kind": "move_node", "node": "Food > Fresh fruit", "to": "Sport"},
        {"kind": "merge_nodes", "keep": "Sport > Camping", "away": "Sport > Shoes"},
        {"kind": "remove_node", "node": "Sport > Camping"},
    ):
        answer = await client.post("/api/changes", json={"change": change})
        assert answer.status_code == 200, (change, answer.json())
        assert answer.json()["number"] == workspace.index.version()
    assert workspace.index.paths(LabelId("apples")) == [("Sport", "Fresh fruit", "Red apples")]
    assert workspace.index.paths(LabelId("tents")) == [("Sport", "Family tents")]


async def test_a_change_after_another_of_its_preview_is_refused(
    client: httpx.AsyncClient, workspace: Workspace
) -> None:
    client.headers.update(BEARER)
    before = workspace.index.version()
    workspace.rename_label("apples", "Apples")
    change = {"kind": "rename_label", "label": "pears", "name": "Pears"}
    answer = await client.post("/api/changes", json={"change": change, "version": before})
    assert answer.status_code == 409
    assert "changed since the preview" in answer.json()["detail"]
    assert workspace.index.label(LabelId("pears")).name == "Green pears"


async def test_changes_that_are_not_possible_change_nothing(
    client: httpx.AsyncClient, workspace: Workspace
) -> None:
    client.headers.update(BEARER)
    before = workspace.index.version()
    for change, status, said in (
        ({"kind": "move_node", "node": "Sport", "to": "Sport > Shoes"}, 422, "below"),
        ({"kind": "rename_label", "label": "tarts", "name": "x"}, 404, "no label 'tarts'"),
        ({"kind": "add_label", "name": "x", "id": "pears", "under": "Food"}, 422, "taken already"),
        ({"kind": "drop_table"}, 422, "drop_table"),
    ):
        answer = await client.post("/api/changes", json={"change": change})
        assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.json()
    assert workspace.index.version() == before


async def test_corrections_are_kept_and_taken_back(client: httpx.AsyncClient, workspace: Workspace) -> None:
    client.headers.update(BEARER)
    asked = {"item": {"text": "two pears", "id": "p"}, "right": ["Green pears"], "person": "anna"}
    said = (await client.post("/api/corrections", json=asked)).json()
    assert (said["right"], said["is_new"]) == (["pears"], True)
    truth = (await client.get("/api/truth", params={"item": "p"})).json()
    assert truth["labels"]["pears"]["person"] == "anna"
    marked = (await client.get("/api/feedback")).json()["entries"]
    assert [(each["item"]["id"], each["right"]) for each in marked] == [("p", ["pears"])]
    await client.post("/api/corrections/take-back", json={"item": "p", "person": "anna"})
    assert (await client.get("/api/truth", params={"item": "p"})).json() is None


async def test_two_people_review_without_doubles(client: httpx.AsyncClient, workspace: Workspace) -> None:
    client.headers.update(BEARER)
    rows = [ItemRow(as_item(text), (LabelId("pears"),)) for text in ("red apples", "two tents")]
    workspace.review_queue().put(
        "errors", [Suspect(each.item, each.gold, (), (), 0.9, ("unlikely",)) for each in rows]
    )
    anna = (await client.post("/api/review/next", json={"person": "anna"})).json()
    ben = (await client.post("/api/review/next", json={"person": "ben"})).json()
    assert {anna["suspect"]["item"]["text"], ben["suspect"]["item"]["text"]} == {"red apples", "two tents"}
    decided = {"person": "anna", "key": anna["key"], "kind": "label", "labels": ["apples"]}
    after = (await client.post("/api/review/answers", json=decided)).json()
    assert (after["open"], after["answered"], after["mine"]) == (1, 1, 1)
    text = anna["suspect"]["item"]["text"]
    assert (await client.get("/api/truth", params={"item": text})).json()["labels"]["apples"][
        "verdict"
    ] == "right"
    listed = (await client.get("/api/review/items")).json()["entries"]
    assert {each["item"]["key"]: list(each["answers"]) for each in listed}[anna["key"]] == ["anna"]
    back = (await client.post("/api/review/undo", json={"person": "anna"})).json()
    assert back["key"] == anna["key"]
    assert (await client.get("/api/review", params={"person": "anna"})).json()["open"] == 2
