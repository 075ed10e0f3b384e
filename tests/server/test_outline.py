"""The tree by the place of its rows, a label's card, and two versions side by side."""

import httpx
from serving import BEARER

from taxonaut.state.ids import EventId, ItemId, LabelId, RunId
from taxonaut.state.records import Item, Label
from taxonaut.state.stores.ledger import Mark, Statement
from taxonaut.workspace.workspace import Workspace


async def test_rows_are_asked_for_by_their_place(client: httpx.AsyncClient, workspace: Workspace) -> None:
    many = [f"Pear {number}" for number in range(150)]
    for name in ("Bags", "Pumps"):
        workspace.index.create_node(workspace.index.root(), name)
    fruit = workspace.index.nodes_named(["Fruit"])[0].id
    labels = [Label(LabelId(f"pear-{number}"), name) for number, name in enumerate(many)]
    workspace.index.add_labels(labels)
    workspace.index.place_many([(label.id, fruit) for label in labels])
    found = (await client.get(f"/api/outline/{fruit}", params={"start": 100, "limit": 3})).json()
    assert (found["total"], found["start"]) == (152, 100)
    assert [row["name"] for row in found["rows"]] == ["Pear 98", "Pear 99", "Pear 100"]
    way = (await client.get("/api/outline-way", params={"label": "pear-99"})).json()
    assert (way["parent"], way["place"], way["row"]["label"]) == (fruit, 101, "pear-99")
    food = workspace.index.nodes_named(["Food"])[0].id
    assert way["open"] == [
        {"node": food, "place": 1, "total": 1},
        {"node": fruit, "place": 0, "total": 152},
    ]
    top = (
        await client.get("/api/outline/1", params={"limit": 0, "open": [int(food), int(fruit), 999]})
    ).json()
    assert (top["total"], top["rows"], top["open"]) == (4, [], [{"node": food, "place": 1, "total": 1}])
    assert (await client.get("/api/outline/999")).status_code == 404
    assert (await client.get("/api/outline-way")).status_code == 422


async def test_a_label_with_others_below_it_is_one_row(
    client: httpx.AsyncClient, workspace: Workspace
) -> None:
    workspace.move_label("pears", "Food > Fruit > Red apples")
    apples = workspace.index.nodes_named(["Red apples"])[0].id
    way = (await client.get("/api/outline-way", params={"label": "apples"})).json()
    assert (way["row"]["node"], way["row"]["label"], way["row"]["below"]) == (apples, "apples", 1)
    below = (await client.get(f"/api/outline/{apples}")).json()
    assert [(row["node"], row["label"]) for row in below["rows"]] == [(None, "pears")]
    card = (await client.get("/api/label-card", params={"id": "pears"})).json()
    assert card["places"] == [{"under": apples, "path": ["Food", "Fruit", "Red apples"]}]


async def test_a_search_finds_names_codes_groups_and_what_is_retired(
    client: httpx.AsyncClient, workspace: Workspace
) -> None:
    workspace.retire_labels(["tents"], reason="not sold")
    found = (await client.get("/api/outline-search", params={"query": "tents"})).json()
    assert [(row["label"], row["retired"], row["path"]) for row in found] == [("tents", True, [])]
    found = (await client.get("/api/outline-search", params={"query": "shoes"})).json()
    assert [(row["label"], row["node"] is None, row["path"]) for row in found] == [
        ("shoes", True, ["Sport", "Shoes"]),
        (None, False, ["Sport"]),
    ]
    assert (await client.get("/api/outline-way", params={"label": "tents"})).json() is None


async def test_a_card_tells_confusions_items_history_and_what_was_merged(
    client: httpx.AsyncClient, workspace: Workspace
) -> None:
    workspace.items.put([Item(ItemId("i"), "a red pear")])
    ledger = workspace.ledger
    ledger.state([Statement(ItemId("i"), "u1", right=[LabelId("pears")], complete=True)])
    for run, answered in ((1, "boots"), (2, "apples")):
        marks = [(LabelId("pears"), "miss", None), (LabelId(answered), "error", 1)]
        ledger.mark(
            RunId(run),
            ["u1"],
            [
                Mark(ItemId("i"), "u1", label, None, mark, place, None, RunId(run), EventId(2), "m")  # type: ignore[arg-type]
                for label, mark, place in marks
            ],
        )
    card = (await client.get("/api/label-card", params={"id": "pears"})).json()
    assert (card["gold"], card["answered"], card["retired"]) == (1, 0, None)
    assert card["items"] == [{"id": "i", "text": "a red pear", "said": True}]
    assert card["confused"] == [{"label": "apples", "name": "Red apples", "instead": 1, "for_it": 0}], (
        "of each item the latest walk counts"
    )
    other = (await client.get("/api/label-card", params={"id": "apples"})).json()
    assert other["confused"] == [{"label": "pears", "name": "Green pears", "instead": 0, "for_it": 1}]
    workspace.rename_label("shoes", "Trainers")
    workspace.merge_labels("pears", ["apples"], reason="one fruit")
    card = (await client.get("/api/label-card", params={"id": "pears"})).json()
    assert [(each["id"], each["kind"], each["reason"]) for each in card["former"]] == [
        ("apples", "merged", "one fruit")
    ]
    assert [each["note"] for each in card["history"]] == ["merge apples into pears"]
    gone = (await client.get("/api/label-card", params={"id": "apples"})).json()
    assert (gone["retired"]["into"], gone["places"]) == (["pears"], [])


async def test_two_versions_side_by_side_page_by_page(
    client: httpx.AsyncClient, workspace: Workspace
) -> None:
    before = workspace.index.version()
    workspace.rename_label("shoes", "Trainers")
    middle = workspace.index.version()
    workspace.move_label("tents", "Food")
    workspace.retire_labels(["boots"])
    found = (await client.get("/api/diff-rows", params={"before": before})).json()
    assert found["kinds"] == {"renamed": 1, "moved": 1, "retired": 1}
    assert [(row["kind"], row["label"], row["before"], row["after"]) for row in found["rows"]] == [
        ("renamed", "shoes", [["Running shoes"]], [["Trainers"]]),
        ("moved", "tents", [["Sport", "Camping"]], [["Food"]]),
        ("retired", "boots", [["Sport", "Shoes"]], []),
    ]
    part = (await client.get("/api/diff-rows", params={"before": before, "after": middle})).json()
    assert [row["kind"] for row in part["rows"]] == ["renamed"], "what came after is left out"
    chosen = {"before": before, "kind": "moved", "start": 1}
    assert (await client.get("/api/diff-rows", params=chosen)).json()["rows"] == []
    assert (await client.get("/api/diff-rows", params={"before": 99})).status_code == 422
    whole = (await client.get("/api/diff-rows", params={"before": 0, "limit": 2})).json()
    assert (len(whole["rows"]), whole["total"] > 5) == (2, True)


async def test_a_preview_says_what_it_touches(client: httpx.AsyncClient, workspace: Workspace) -> None:
    client.headers.update(BEARER)
    change = {"kind": "move_label", "label": "tents", "to": "Food"}
    seen = (await client.post("/api/changes/preview", json=change)).json()
    assert (seen["number"], seen["places"], seen["row_count"]) == (None, 1, 1)
    assert seen["rows"][0]["after"] == [["Food"]]
    assert workspace.index.paths(LabelId("tents")) == [("Sport", "Camping", "Family tents")]
