"""`taxonaut classify --batch-out, --batch-in`: the circle of batch files, with an untrusted provider."""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("embedder")

TEXTS = 'id,text\na,green tents\nb,red apples\nc,red apples\nd,""\n'


@pytest.fixture
def folder(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose models are at a provider that cannot be reached."""
    for role in ("NAVIGATOR", "GENERAL_EXPERT"):
        monkeypatch.setenv(f"TAXONAUT_MODELS__{role}__MODEL", "openai/gpt-4o-mini")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    (shop / "texts.csv").write_text(TEXTS)
    return shop


def completion(request: dict[str, Any], chosen: list[int]) -> dict[str, Any]:
    """Return a line of a provider's file: a call of the request's tool."""
    function = request["body"]["tools"][0]["function"]
    call = {
        "name": function["name"],
        "arguments": json.dumps({next(iter(function["parameters"]["properties"])): chosen}),
    }
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "type": "function", "function": call}],
    }
    body = {
        "id": "r",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 50, "completion_tokens": 5, "total_tokens": 55},
    }
    return {
        "id": "b",
        "custom_id": request["custom_id"],
        "response": {"status_code": 200, "body": body},
        "error": None,
    }


def read(file: Path) -> list[dict[str, Any]]:
    """Read JSON lines."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def write(file: Path, rows: list[dict[str, Any]]) -> Path:
    """Write JSON lines, with what a broken provider may put among them."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows) + "not json\n[1]\n")
    return file


def by_word(request: dict[str, Any]) -> list[int]:
    """Choose the first option that is offered."""
    parameters = request["body"]["tools"][0]["function"]["parameters"]
    assert "1" in json.dumps(parameters)
    return [1]


def ask(run: Any, folder: Path, number: int, *more: Any) -> Any:
    """Call classify with the texts and a file for the next requests."""
    out = ("-o", folder / "labels.jsonl", "--shortlist", "tree")
    return run(
        "classify", folder / "texts.csv", *out, "--batch-out", folder / f"{number}.jsonl", *more, "-w", folder
    )


def test_the_whole_circle(run: Any, folder: Path) -> None:
    called = ask(run, folder, 1)
    assert called.code == 0, called
    assert "written to" in called.err
    number, sent = 1, 0
    while (file := folder / f"{number}.jsonl").exists():
        assert number < 6
        requests = read(file)
        sent += len(requests)
        assert not (folder / "labels.jsonl").exists()
        assert {each["url"] for each in requests} == {"/v1/chat/completions"}
        assert {each["body"]["model"] for each in requests} == {"gpt-4o-mini"}
        assert len({each["custom_id"] for each in requests}) == len(requests)
        replies = write(folder / "replies.jsonl", [completion(each, by_word(each)) for each in requests])
        number += 1
        called = ask(run, folder, number, "--batch-in", replies)
        assert called.code == 0, called
    assert number > 3  # levels of the tree, and the ranking
    assert sent == 2 * (number - 1)  # the texts b and c share their requests
    rows = {row["id"]: row for row in read(folder / "labels.jsonl")}
    assert [len(rows[each]["labels"]) for each in "abcd"] == [1, 1, 1, 0]
    assert rows["b"]["labels"] == rows["c"]["labels"]
    again = run("classify", folder / "texts.csv", "--shortlist", "tree", "--json", "-w", folder)
    assert again.code == 0
    assert [json.loads(line)["labels"] for line in again.out.splitlines()] == [
        rows[each]["labels"] for each in "abcd"
    ]


def test_what_no_request_offers_is_asked_again(run: Any, folder: Path) -> None:
    ask(run, folder, 1)
    first, second = read(folder / "1.jsonl")
    wrong = completion(first, [99])
    failed = {"custom_id": second["custom_id"], "response": {"status_code": 500, "body": {}}, "error": "x"}
    strange = [
        {"custom_id": "../../etc/passwd", "response": {"status_code": 200, "body": {"choices": []}}},
        {"custom_id": ["x"], "response": None},
        {"response": {"status_code": 200}},
    ]
    replies = write(folder / "replies.jsonl", [wrong, failed, *strange])
    called = ask(run, folder, 2, "--batch-in", replies)
    assert called.code == 0, called
    assert called.err.splitlines()[0] == "replies: 0 taken, 2 unusable, 1 of no request that waits"
    assert read(folder / "2.jsonl") == [first, second]
    half = write(folder / "half.jsonl", [completion(first, by_word(first))])
    ask(run, folder, 3, "--batch-in", half)
    left = [each["custom_id"] for each in read(folder / "3.jsonl")]
    assert second["custom_id"] in left
    assert first["custom_id"] not in left


def test_what_cannot_be_done_is_said(run: Any, folder: Path) -> None:
    empty = folder / "empty.jsonl"
    empty.write_text("\n")
    called = ask(run, folder, 1, "--batch-in", empty)
    assert called.code == 2
    assert "holds no replies of a batch file" in called.err
    called = ask(run, folder, 1, "--batch-in", folder / "1.jsonl")
    assert called.code == 2
    assert "are the same file" in called.err
    ask(run, folder, 1)
    requests = read(folder / "1.jsonl")
    replies = write(folder / "replies.jsonl", [completion(each, by_word(each)) for each in requests])
    shown = ("--shortlist", "tree", "--batch-in", replies)
    called = run("classify", folder / "texts.csv", *shown, "-w", folder)
    assert called.code == 2
    assert "name a file with --batch-out" in called.err
