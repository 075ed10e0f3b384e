"""What is kept and told of a language model's work: transcripts, spans, callbacks of LiteLLM and LangChain."""

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fakes import packaged_embedder

import taxonaut
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.models.llm import client
from taxonaut.state import telemetry
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item
from taxonaut.workspace.files.label_files import read_labels

LABELS = "id,name,path\nshoes,Shoes,Sport > Shoes\ntents,Tents,Sport > Tents\napples,Apples,Food > Apples\n"
SECRET = "zanzibar-quill"
TEXT = f"green “tents” {SECRET} \U0001f3d5"


class Recorder(ThreadingHTTPServer):
    """An OpenAI-shaped server that keeps what it was sent, and calls the tool with the first option.

    Its first reply is a text without a call if `wrong_first` is set.
    """

    wrong_first = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[dict[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    """Answers a chat completion."""

    server: Recorder

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.bodies.append(body)
        message: dict[str, Any] = {"role": "assistant", "content": f"I say {SECRET}."}
        if not (self.server.wrong_first and len(self.server.bodies) == 1):
            function = body["tools"][0]["function"] if "tools" in body else described(body)
            field = next(iter(function["parameters"]["properties"]))
            call = {"name": function["name"], "arguments": json.dumps({field: [1]})}
            calls = [{"id": "c1", "type": "function", "function": call}]
            message = {"role": "assistant", "content": None, "tool_calls": calls}
            if "tools" not in body:
                text = {"name": function["name"], "arguments": {field: [1]}}
                message = {"role": "assistant", "content": json.dumps(text)}
        reply = {
            "id": "r",
            "object": "chat.completion",
            "created": 0,
            "model": "gpt-4o-mini-2024",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
        }
        raw = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def described(body: dict[str, Any]) -> dict[str, Any]:
    """Return the tool that a system message describes."""
    lines = body["messages"][0]["content"].splitlines()
    found: dict[str, Any] = json.loads(next(line for line in lines if line.startswith('{"name"')))
    return found


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    server = Recorder()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def opened(folder: Path, recorder: Recorder, **more: Any) -> taxonaut.Workspace:
    """Open a workspace whose walks ask the server; a new one has three labels in a tree."""
    role = {"model": "openai/gpt-4o-mini", "api_base": f"http://127.0.0.1:{recorder.server_port}/v1", **more}
    is_new = not (folder / "taxonaut.toml").exists()
    make = taxonaut.Workspace.init if is_new else taxonaut.Workspace.open
    workspace = make(
        folder,
        models={"navigator": role, "general_expert": role},
        embedder=packaged_embedder(),
        walk={"shortlist": "tree"},
    )
    if is_new:
        (folder / "labels.csv").write_text(LABELS)
        workspace.import_labels(read_labels(folder / "labels.csv"))
    return workspace


@pytest.mark.parametrize("tool_choice", ["required", "text"])
def test_a_prompt_is_kept_byte_for_byte(tmp_path: Path, recorder: Recorder, tool_choice: str) -> None:
    with opened(tmp_path, recorder, tool_choice=tool_choice, repairs=0) as workspace:
        workspace.classify([Item(ItemId("a"), TEXT)])
        kept = [each.transcript for each in workspace.run_decisions(1, "a")]
    assert [json.dumps(list(each.messages)) for each in kept if each] == [
        json.dumps(body["messages"]) for body in recorder.bodies
    ]
    assert [list(each.tools) for each in kept if each] == [body.get("tools", []) for body in recorder.bodies]


def test_faulty_replies_are_kept_with_what_was_said_of_them(tmp_path: Path, recorder: Recorder) -> None:
    recorder.wrong_first = True
    with opened(tmp_path, recorder) as workspace:
        workspace.classify([Item(ItemId("a"), TEXT)])
        first = workspace.run_decisions(1)[0].transcript
    assert first is not None
    assert list(first.messages) == recorder.bodies[1]["messages"]
    assert [each["role"] for each in first.messages] == ["system", "user", "assistant", "user"]
    assert first.messages[2]["content"] == f"I say {SECRET}."
    assert first.replies[0]["tool_calls"][0]["function"]["arguments"]


def test_a_cached_reply_has_its_prompt_and_texts_are_stored_once(tmp_path: Path, recorder: Recorder) -> None:
    with opened(tmp_path, recorder) as workspace:
        workspace.classify([Item(ItemId("a"), TEXT)])
        parts = workspace.database.rows("SELECT count(*) FROM exchange_parts")
        workspace.with_walk(top=9).classify([Item(ItemId("b"), TEXT)])
        sent = len(recorder.bodies)
        first, again = (
            [each.transcript for each in workspace.run_decisions(run)]
            for run in (1, workspace.list_runs()[0].run.id)
        )
        more = workspace.database.rows("SELECT count(*) FROM exchange_parts")
    assert first[0] == again[0]
    assert more[0][0] - parts[0][0] <= 3 * (sent - len(first))


def test_no_text_is_kept_where_none_may_be(tmp_path: Path, recorder: Recorder) -> None:
    recorder.wrong_first = True
    opened(tmp_path, recorder).close()
    settings = tmp_path / "taxonaut.toml"
    settings.write_text(settings.read_text() + "\n[records]\ntexts = false\n")
    with opened(tmp_path, recorder) as workspace:
        (result,) = workspace.classify([Item(ItemId("a"), TEXT)])
        assert result.labels
        assert [each.transcript for each in workspace.run_decisions(1)] == [None] * len(
            workspace.run_decisions(1)
        )
        assert len(workspace.wiring.cache) == 0
        workspace.database.checkpoint()
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file
    with opened(tmp_path, recorder) as workspace:
        (again,) = workspace.classify([Item(ItemId("a"), TEXT)])
    assert [each.label_id for each in again.labels] == [each.label_id for each in result.labels]


def test_spans_from_run_to_call(tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    with opened(tmp_path, recorder) as workspace:
        workspace.classify([Item(ItemId("a"), TEXT)])
    spans = {span.context.span_id: span for span in exporter.get_finished_spans()}
    chains = set()
    for span in spans.values():
        chain = [span.name]
        above = span
        while above.parent is not None:
            above = spans[above.parent.span_id]
            chain.append(above.name)
        if span.name.startswith("chat"):
            chains.add(" < ".join(chain))
    assert chains == {
        f"chat gpt-4o-mini < decision {tool} < item < run classify"
        for tool in ("expand_node", "rank_candidates")
    }
    call = next(span for span in spans.values() if span.name == "chat gpt-4o-mini")
    given = dict(call.attributes or {})
    assert given["gen_ai.operation.name"] == "chat"
    assert given["gen_ai.provider.name"] == "openai"
    assert given["gen_ai.request.model"] == "gpt-4o-mini"
    assert (given["gen_ai.usage.input_tokens"], given["gen_ai.usage.output_tokens"]) == (100, 10)
    assert given["gen_ai.response.finish_reasons"] == ("tool_calls",)
    assert given["taxonaut.cost"] == pytest.approx(100 * 0.15e-6 + 10 * 0.6e-6)
    assert SECRET not in json.dumps([span.to_json() for span in spans.values()])


def test_there_are_no_spans_without_an_sdk() -> None:
    assert telemetry.tracer() is None
    assert telemetry.decision_span("a", "t", "m") is None


def test_callbacks_of_litellm_see_our_calls(tmp_path: Path, recorder: Recorder) -> None:
    litellm: Any = client.litellm()
    from litellm.integrations import custom_logger

    seen: list[dict[str, Any]] = []

    class Recording(custom_logger.CustomLogger):
        async def async_log_success_event(
            self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
        ) -> None:
            sent = [body["messages"] for body in recorder.bodies]
            if kwargs["messages"] in sent:  # LiteLLM may still tell of another test's calls
                seen.append({"messages": kwargs["messages"], "usage": response_obj.usage.prompt_tokens})

    logger = Recording()
    litellm.callbacks.append(logger)
    try:
        with opened(tmp_path, recorder) as workspace:
            workspace.classify([Item(ItemId("a"), TEXT)])
            PORTAL.run(settled(seen, len(recorder.bodies)))
    finally:
        litellm.callbacks.remove(logger)
        litellm.logging_callback_manager._reset_all_callbacks()
    assert [each["messages"] for each in seen] == [body["messages"] for body in recorder.bodies]
    assert {each["usage"] for each in seen} == {100}


async def settled(seen: list[Any], most: int) -> None:
    """Wait until LiteLLM's worker has logged everything."""
    for _ in range(500):
        if len(seen) >= most:
            return
        await asyncio.sleep(0.01)


async def test_callbacks_of_langchain_see_the_calls_of_a_graph(tmp_path: Path, recorder: Recorder) -> None:
    from langchain_core.callbacks import AsyncCallbackHandler

    started: list[Any] = []
    ended: list[Any] = []

    class Recording(AsyncCallbackHandler):
        async def on_chat_model_start(self, serialized: Any, messages: Any, **_: Any) -> None:
            started.append([each.content for each in messages[0]])

        async def on_llm_end(self, response: Any, **_: Any) -> None:
            ended.append(response.generations[0][0].message.usage_metadata["input_tokens"])

    with opened(tmp_path, recorder) as workspace:
        graph = workspace.graph().compile()
        await graph.ainvoke({"items": [Item(ItemId("a"), TEXT)]}, {"callbacks": [Recording()]})
    assert started == [[each["content"] for each in body["messages"]] for body in recorder.bodies]
    assert ended == [100] * len(started)
    assert "langchain_core" in sys.modules
