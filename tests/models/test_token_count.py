"""Tokens of a prompt before it is sent: as the model's own vocabulary, or LiteLLM's, has them."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from taxonaut.models.gguf.chat_prompt import PromptWriter, call_note
from taxonaut.models.gguf.runtime import Weights
from taxonaut.models.gguf.tool_call import GgufChat, request_messages
from taxonaut.models.requests import Choice, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.models.token_count import AROUND, counter_for, prompt_tokens, tool_tokens
from taxonaut.tools.assign_label import assign_label_spec, assign_labels_spec

pytestmark = pytest.mark.slow

LABELS = ("steel saucepan", "garden hose", "wooden puzzle", "婴儿车", "Geschirrspülmaschine")
CENTRES = ("kitchen", "garden and outdoor", "toys")
REQUEST = ModelRequest(
    system="You sort labels into categories.",
    context="Categories:\n1. kitchen\n2. garden and outdoor\n3. toys\n0. none of these",
    item="Labels:\n" + "\n".join(f"{n}. {label}" for n, label in enumerate(LABELS, start=1)),
    blank_item="Labels:",
    text="",
    tool=assign_labels_spec(len(LABELS), 3, 2),
    field="",
    choices=tuple(Choice(number, (name,)) for number, name in enumerate(CENTRES, start=1)),
    most=2,
    texts=LABELS,
)
ONE = replace(
    REQUEST,
    item="Text: steel saucepan",
    blank_item="Text:",
    text="steel saucepan",
    tool=assign_label_spec(3, 1),
    field="centres",
    texts=(),
    most=1,
)


def words(text: str) -> int:
    return len(text.split())


def test_a_server_reads_the_messages_and_the_tool_s_schema() -> None:
    settings = ModelSettings(model="openai/x", api_base="http://127.0.0.1:1/v1")
    tool = {"name": "assign_label", "description": REQUEST.tool.description, **REQUEST.tool.parameters}
    read = [words(REQUEST.system), words(REQUEST.context), words(REQUEST.item), words(json.dumps(tool))]
    assert prompt_tokens(REQUEST, settings, words) == sum(read) + AROUND


@pytest.mark.parametrize(
    ("model", "short"),
    [("openai/gpt-4o", True), ("gpt-4o-mini", True), ("anthropic/claude-x", False), ("nobody/knows", False)],
)
def test_openai_s_own_models_read_a_schema_in_few_words(model: str, short: bool) -> None:
    tool = assign_labels_spec(20, 16, 3)
    settings = ModelSettings(model=model)
    read = tool_tokens(tool, settings, counter_for(settings))
    assert (read < 200, read > 700) == (short, not short)
    own = ModelSettings(model=model, api_base="http://127.0.0.1:1/v1")
    assert tool_tokens(tool, own, counter_for(own)) > 700


def test_a_scoring_model_reads_the_options_and_no_schema() -> None:
    settings = ModelSettings(model="gguf/x", answer="scored")
    read = [words(ONE.system), words(ONE.context), words(ONE.item), *map(words, CENTRES)]
    assert prompt_tokens(ONE, settings, words) == sum(read) + AROUND


def test_a_model_in_this_process_reads_the_tool_as_a_note() -> None:
    settings = ModelSettings(model="gguf/x")
    read = [words(REQUEST.system), words(REQUEST.context), words(REQUEST.item)]
    assert prompt_tokens(REQUEST, settings, words) == sum(read) + words(call_note([REQUEST.tool])) + AROUND


@pytest.mark.parametrize("model", ["gpt-4o-mini", "openai/nobody-knows-this", "ollama/qwen3:0.6b"])
def test_litellm_counts_offline(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    count = counter_for(ModelSettings(model=model))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert count("") == 0
    assert 4 <= count("You sort labels into categories.") <= 9
    assert count("word " * 100) in range(100, 103)


@pytest.mark.local
def test_a_gguf_model_s_own_vocabulary_counts(smollm2: Path) -> None:
    count: Callable[[str], int] = counter_for(ModelSettings(model="gguf/smollm2-135m-instruct"))
    weights = Weights.open(smollm2)
    try:
        for text in ("", "steel saucepan", "婴儿车", "<|im_end|>", REQUEST.item):
            assert count(text) == len(weights.tokens(text))
        messages = request_messages(REQUEST)
        counted = sum(count(message["content"]) for message in messages)
        prompt = PromptWriter(weights).tokens(messages, 4_000, 4_000)
        assert 0 < len(prompt) - counted < AROUND
    finally:
        weights.release()


@pytest.mark.local
@pytest.mark.usefixtures("smollm2")
def test_what_is_counted_is_what_the_model_reads() -> None:
    for settings, request in (
        (ModelSettings(model="gguf/smollm2-135m-instruct"), REQUEST),
        (ModelSettings(model="gguf/smollm2-135m-instruct", answer="scored"), ONE),
    ):
        chat = GgufChat(answer=settings.answer, threads=1)
        try:
            chat.complete(request)
            read = chat.complete(replace(request, item=request.item + " again")).usage.prompt_tokens
        finally:
            chat.close()
        assert prompt_tokens(request, settings, counter_for(settings)) == pytest.approx(read, abs=AROUND)
