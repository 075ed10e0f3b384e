"""What is behind the answers: explanations, experts, feedback page by page; what another process trained is used."""

import httpx
import pytest
from serving import BEARER

from taxonaut.state.ids import LabelId
from taxonaut.state.records import as_item
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace


async def test_a_walk_is_explained(client: httpx.AsyncClient, workspace: Workspace) -> None:
    workspace.classify(["red apples"])
    shown = (
        await client.get(
            "/api/explain", params={"item": workspace.items.after("", 1)[0].id, "gold": "apples"}
        )
    ).json()
    assert shown["ranking"][0]["label_id"] == "apples"
    assert [each["label"] for each in shown["outcomes"]] == ["apples"]
    assert (await client.get("/api/explain", params={"item": "none"})).status_code == 404


async def test_feedback_is_read_page_by_page(client: httpx.AsyncClient) -> None:
    texts = {"a": ("green pears", "pears"), "b": ("red fruit", "apples"), "c": ("a big tent", "tents")}
    for id_, (text, label) in texts.items():
        asked = {"item": {"id": id_, "text": text}, "right": [label], "person": "anna"}
        assert (await client.post("/api/corrections", json=asked, headers=BEARER)).status_code == 200
    found, after = [], ""
    while after is not None:
        page = (await client.get("/api/feedback", params={"limit": 2, "after": after})).json()
        found += [(each["item"]["id"], *each["right"]) for each in page["entries"]]
        after = page["next"]
    assert found == [("a", "pears"), ("b", "apples"), ("c", "tents")]


@pytest.mark.slow
async def test_what_another_process_trained_is_listed_and_used(
    client: httpx.AsyncClient, workspace: Workspace
) -> None:
    assert (await client.get("/api/experts")).json() == []
    assert (await client.get("/api/experts/1")).status_code == 404
    seen: list[bool] = []
    rows = [
        ItemRow(as_item(f"{text} {number}"), (LabelId(label),), "")
        for number in range(6)
        for text, label in (("red apples", "apples"), ("hiking boots", "boots"))
    ]
    another = Workspace.on(workspace.folder, workspace.config)
    before = workspace.refresh()
    another.train_expert(rows)
    another.close()
    seen.append(workspace.refresh())
    assert (before, seen) == (False, [True])
    assert [each["number"] for each in (await client.get("/api/experts")).json()] == [1]
    assert (await client.get("/api/experts/1")).json()["number"] == 1


async def test_a_workspace_without_a_vocabulary_says_how_one_is_built(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/vocabulary")
    assert answer.status_code == 422
    assert "taxonaut vocabulary build" in answer.json()["detail"]


async def test_the_language_of_a_text_is_named_among_those_asked_for(client: httpx.AsyncClient) -> None:
    text = "Das ist ein Haus, und die Tür ist nicht offen."
    for languages, best in ((["en", "de"], "de"), (["en", "fr"], None)):
        answer = await client.post("/v1/detect-language", json={"text": text, "languages": languages})
        assert answer.json()["results"][0] == {"language": best, "score": 1.0}
        assert len(answer.json()["results"]) == 3
