"""Jobs: each in a process of its own, followed by events, cancelled, continued."""

import json
import time
from pathlib import Path

import httpx
import pytest
from serving import BEARER, running

from taxonaut.workspace.workspace import Workspace


def wait_for(client: httpx.Client, job: str, *states: str) -> dict[str, object]:
    """Wait until a job is in one of these states."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        record: dict[str, object] = client.get(f"/api/jobs/{job}").json()
        if record["state"] in states:
            return record
        time.sleep(0.05)
    raise AssertionError(record)


@pytest.mark.slow
@pytest.mark.local
def test_a_job_is_followed_and_its_results_are_read(workspace: Workspace) -> None:
    items = [{"text": "red apples", "id": "a"}, "two hiking boots", "a tent for the family"]
    with running(workspace) as url, httpx.Client(base_url=url, headers=BEARER, timeout=60) as client:
        started = client.post("/api/jobs", json={"kind": "classify", "items": items, "top": 1})
        assert started.status_code == 202
        job = started.json()["id"]
        with client.stream("GET", f"/api/jobs/{job}/events") as stream:
            lines = list(stream.iter_lines())
        states = [
            json.loads(each[6:])["state"] for each in lines if each.startswith("data: ") and '"state"' in each
        ]
        assert states == ["running", "finished"]
        record = client.get(f"/api/jobs/{job}").json()
        assert (record["done"], record["results"], record["summary"]) == (3, 3, {"items": 3, "failed": 0})
        page = client.get(f"/api/jobs/{job}/results", params={"limit": 2}).json()
        rest = client.get(f"/api/jobs/{job}/results", params={"after": page["next"]}).json()
        rows = [each["row"] for each in page["entries"] + rest["entries"]]
        assert [each["labels"][0]["label_id"] for each in rows] == ["apples", "boots", "tents"]
        assert rows[0]["item_id"] == "a"
        failed = client.post("/api/jobs", json={"kind": "categorize", "items": ["red apples"]}).json()["id"]
        record = wait_for(client, failed, "failed")
        assert "no expert was trained" in str(record["error"]), "the sentence of the command line"
        again = client.post(f"/api/jobs/{job}/continue")
        assert again.status_code == 422
        assert "is finished" in again.json()["detail"]
        assert client.get("/api/jobs/nothing").status_code == 404


@pytest.mark.slow
@pytest.mark.local
def test_a_cancelled_job_is_continued_and_jobs_outlive_the_service(workspace: Workspace) -> None:
    items = [f"red apples number {number}" for number in range(3_000)]
    with running(workspace) as url, httpx.Client(base_url=url, headers=BEARER, timeout=60) as client:
        first = client.post("/api/jobs", json={"kind": "classify", "items": items}).json()["id"]
        wait_for(client, first, "running")
        second = client.post("/api/jobs", json={"kind": "classify", "items": ["a tent"]}).json()["id"]
        assert client.post(f"/api/jobs/{second}/cancel").json()["state"] == "cancelled"
        client.post(f"/api/jobs/{first}/cancel")
        assert wait_for(client, first, "cancelled", "finished")["state"] == "cancelled"
        client.post(f"/api/jobs/{first}/continue")
        wait_for(client, first, "running")
    records = {
        each["id"]: each["state"]
        for each in map(json.loads, map(Path.read_text, (workspace.folder / "jobs").glob("*-????????.json")))
    }
    assert records == {first: "interrupted", second: "cancelled"}
    with running(workspace) as url, httpx.Client(base_url=url, headers=BEARER, timeout=60) as client:
        assert client.get(f"/api/jobs/{first}").json()["state"] == "interrupted"
        client.post(f"/api/jobs/{second}/continue")
        assert wait_for(client, second, "finished")["results"] == 1


async def test_a_run_shows_its_decisions_and_has_no_prompts_where_vectors_were_compared(
    client: httpx.AsyncClient, workspace: Workspace
) -> None:
    workspace.classify(["red apples"])
    (run,) = (await client.get("/api/runs")).json()["entries"]
    shown = (await client.get(f"/api/runs/{run['id']}")).json()
    assert (shown["kind"], shown["units"], shown["requests"], shown["errors"]) == ("classify", 1, 0, 0)
    page = (await client.get(f"/api/runs/{run['id']}/decisions", params={"limit": 1})).json()
    assert page["entries"][0]["agent"] == "navigator"
    assert len(page["entries"]) == 1
    item = page["entries"][0]["item_id"]
    assert (await client.get(f"/api/runs/{run['id']}/prompts", params={"item": item})).json() == []
    failed = await client.get(f"/api/runs/{run['id']}/decisions", params={"failed": True})
    assert failed.json()["entries"] == []
    assert (await client.get("/api/runs/999")).status_code == 404
