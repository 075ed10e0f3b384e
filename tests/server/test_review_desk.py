"""Many reviewers at one queue: leases by window, answers that are kept, the service killed in between."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import BEARER, make_workspace

from taxonaut.server.service_file import find_service
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.workspace.review.review_queue import ReviewDecision
from taxonaut.workspace.review.suspects import Suggestion, Suspect
from taxonaut.workspace.workspace import Workspace

ITEMS = 60
SUGGESTED = (Suggestion(LabelId("shoes"), ("Sport", "Shoes", "Running shoes"), 0.6),)


def suspects(count: int) -> list[Suspect]:
    return [
        Suspect(Item(ItemId(f"i{number}"), f"text {number}"), (), (), SUGGESTED, 0.5, ("a reason",))
        for number in range(count)
    ]


async def claim(client: httpx.AsyncClient, person: str, **more: Any) -> Any:
    answer = await client.post("/api/review/claims", json={"person": person, **more}, headers=BEARER)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_windows_of_one_person_are_given_different_items(
    client: httpx.AsyncClient, workspace: Workspace
) -> None:
    workspace.review_queue().put("next", suspects(6))
    first = await claim(client, "Ada", session="a", count=3)
    second = await claim(client, "Ada", session="b", count=3)
    other = await claim(client, "Bea", session="c", count=3)
    assert [each["suspect"]["item"]["id"] for each in first["items"]] == ["i0", "i1", "i2"]
    assert [each["suspect"]["item"]["id"] for each in second["items"]] == ["i3", "i4", "i5"]
    assert other["items"] == []
    again = await claim(client, "Ada", session="a", count=3)
    assert again["items"] == first["items"], "asking again keeps them"
    window = {"person": "Ada", "session": "b"}
    released = await client.post("/api/review/release", json=window, headers=BEARER)
    assert released.json() == {"released": 3}
    assert len((await claim(client, "Bea", session="c", count=3))["items"]) == 3


async def test_an_answer_that_is_sent_twice_counts_once_and_is_taken_back_by_key(
    client: httpx.AsyncClient, workspace: Workspace
) -> None:
    workspace.review_queue().put("next", suspects(2))
    one, two = (await claim(client, "Ada", count=2))["items"]
    for item in (one, one, two):
        sent = {"person": "Ada", "key": item["key"], "kind": "label", "labels": ["shoes"]}
        answer = await client.post("/api/review/answers", json=sent, headers=BEARER)
        assert answer.status_code == 200, answer.text
    assert answer.json()["answered"] == 2
    back = {"person": "Ada", "key": one["key"]}
    undone = await client.post("/api/review/undo", json=back, headers=BEARER)
    assert undone.json()["key"] == one["key"]
    assert (await client.post("/api/review/undo", json=back, headers=BEARER)).json() is None
    found = (await client.get("/api/review/decisions")).json()["entries"]
    assert [(each["item"], each["person"], each["paths"]) for each in found] == [
        ("i1", "Ada", [["Sport", "Shoes", "Running shoes"]])
    ]


async def test_second_opinions_are_compared(client: httpx.AsyncClient, workspace: Workspace) -> None:
    queue = workspace.review_queue("Ada")
    queue.put("next", suspects(4))
    for item in queue.claim(4):
        queue.answer(item.key, ReviewDecision("label", (LabelId("shoes"),)))
    seen = await claim(client, "Bea", count=4, again=True)
    assert (seen["second_opinions"], len(seen["items"])) == (4, 4)
    for place, item in enumerate(seen["items"]):
        said = {"kind": "none"} if place == 3 else {"kind": "label", "labels": ["shoes"]}
        sent = {"person": "Bea", "key": item["key"], **said}
        assert (await client.post("/api/review/answers", json=sent, headers=BEARER)).status_code == 200
    agreement = (await client.get("/api/review/summary")).json()["agreement"]
    assert (agreement["items"], agreement["pairs"], agreement["equal"]) == (4, 4, 3)
    assert agreement["alpha"] == pytest.approx(0.0)  # 1 - 7 * 2 / (64 - 49 - 1)
    assert len(agreement["disputed"]) == 1


@pytest.mark.slow
async def test_twenty_reviewers_and_a_killed_service_lose_nothing_and_do_nothing_twice(
    tmp_path: Path,
) -> None:
    with make_workspace(tmp_path) as workspace:
        folder = workspace.folder
        workspace.review_queue().put("next", suspects(ITEMS))
    command = [sys.executable, "-m", "taxonaut", "serve", "-w", str(folder), "--port", "0"]

    def serve() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    process = serve()
    said: dict[str, list[str]] = {}
    third = asyncio.Event()

    async def patient(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> Any:
        """Send until there is an answer, as the page does."""
        while True:
            service = find_service(folder)
            if service is not None:
                url, token = f"{service.url}/api/review/{path}", {"Authorization": f"Bearer {service.token}"}
                try:
                    answer = await client.post(url, json=body, headers=token)
                except httpx.TransportError:
                    answer = None
                if answer is not None and answer.status_code == 200:
                    return answer.json()
            await asyncio.sleep(0.05)

    async def review(client: httpx.AsyncClient, number: int) -> None:
        window = {"person": f"reviewer {number}", "session": f"w{number}"}
        while True:
            found = await patient(client, "claims", {**window, "count": 2})
            for item in found["items"]:
                sent = {**window, "key": item["key"], "kind": "label", "labels": ["shoes"]}
                await patient(client, "answers", sent)
                said.setdefault(item["key"], []).append(window["person"])
                if len(said) >= ITEMS // 3:
                    third.set()
            if not found["progress"]["open"]:
                return

    async def kill() -> None:
        nonlocal process
        await third.wait()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process = serve()

    try:
        async with httpx.AsyncClient(timeout=30) as client, asyncio.timeout(120):
            await asyncio.gather(kill(), *(review(client, number) for number in range(20)))
    finally:
        process.terminate()
        process.wait()
    assert len(said) == ITEMS
    assert all(len(people) == 1 for people in said.values()), "no item was given twice"
    with Workspace.open(folder) as workspace:
        made = workspace.review_queue().decisions()
        assert {each.item.key: [each.person] for each in made} == said
        assert len(made) == len(workspace.ledger.truths()) == ITEMS
