"""Reading the tree, its labels and items over the API, and suggestions."""

import httpx

from taxonaut.workspace.workspace import Workspace


async def test_the_tree_is_read_page_by_page(client: httpx.AsyncClient) -> None:
    top = (await client.get("/api/tree/1/children", params={"limit": 1})).json()
    assert [each["node"]["name"] for each in top["entries"]] == ["Sport"]
    rest = (await client.get("/api/tree/1/children", params={"after": top["next"]})).json()
    assert [each["node"]["name"] for each in rest["entries"]] == ["Food"]
    assert rest["next"] is None


async def test_nodes_come_before_the_labels_that_stand_in_a_node(client: httpx.AsyncClient) -> None:
    sport = (await client.get("/api/find-node", params={"path": "Sport"})).json()["node"]
    assert (sport["children"], sport["labels"]) == (2, 0)
    shoes = (await client.get("/api/find-node", params={"path": "Sport > Shoes"})).json()
    assert [each["name"] for each in shoes["path"]] == ["Sport", "Shoes"]
    names: list[str] = []
    after = ""
    while after is not None:
        page = (
            await client.get(f"/api/tree/{shoes['node']['id']}/children", params={"limit": 1, "after": after})
        ).json()
        names += [each["label"]["id"] for each in page["entries"]]
        after = page["next"]
    assert names == ["shoes", "boots"]


async def test_labels_are_listed_found_and_shown(client: httpx.AsyncClient) -> None:
    page = (await client.get("/api/labels", params={"limit": 3})).json()
    assert [each["id"] for each in page["entries"]] == ["shoes", "boots", "tents"]
    rest = (await client.get("/api/labels", params={"limit": 3, "after": page["next"]})).json()
    assert [each["id"] for each in rest["entries"]] == ["apples", "pears"]
    assert rest["next"] is None
    found = (await client.get("/api/search", params={"query": "green"})).json()
    assert [each["id"] for each in found] == ["pears"]
    shown = (await client.get("/api/label", params={"id": "Food > Fruit > Red apples"})).json()
    assert shown == {
        "id": "apples",
        "uri": None,
        "notation": "",
        "name": "Red apples",
        "description": "",
        "alternatives": [],
        "paths": [["Food", "Fruit", "Red apples"]],
    }


async def test_suggestions_have_labels_paths_and_the_place_of_their_evidence(
    client: httpx.AsyncClient, workspace: Workspace
) -> None:
    texts = ["red apples from the garden", {"id": "b", "text": "two hiking boots"}]
    answer = (await client.post("/api/suggest", json={"texts": texts, "top": 1})).json()
    assert [each["labels"][0]["id"] for each in answer] == ["apples", "boots"]
    best = answer[0]["labels"][0]
    assert best["path"] == ["Food", "Fruit", "Red apples"]
    assert texts[0][best["place"]["start"] : best["place"]["end"]] == best["evidence"] == "red apples"
    assert answer[1]["item_id"] == "b"
    assert [each.text for each in workspace.items.get([answer[1]["item_id"]])] == ["two hiking boots"]
    listed = (await client.get("/api/items")).json()
    assert {each["id"] for each in listed["entries"]} == {answer[0]["item_id"], "b"}


async def test_what_is_wrong_is_a_problem_with_the_sentence_of_the_command_line(
    client: httpx.AsyncClient,
) -> None:
    for path, status, said in (
        ("/api/label?id=tarts", 404, "no label 'tarts' in the index"),
        ("/api/tree/77", 404, "no node 77 in the index"),
        ("/api/tree/1/children?after=!!", 422, "after is '!!'"),
        ("/api/tree/x", 422, "path.node"),
        ("/api/search?query=%20", 422, "the query ' ' is empty"),
        ("/api/labels?language=de", 422, "labels"),
        ("/api/none", 404, "GET /api/docs"),
    ):
        answer = await client.get(path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert said in answer.json()["detail"], answer.json()
