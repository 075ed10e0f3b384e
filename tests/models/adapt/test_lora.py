"""LoRA adapters: trained by PEFT, written for llama.cpp, read back by it; on random weights and on SmolLM2."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pulled import require_weights
from pydantic import ValidationError
from tiny_llama import write_tiny_llama

from taxonaut.models.adapt.lora import AnswerExample, LoraSettings, permute_rows, train_lora, tree_of
from taxonaut.models.catalog import open_embedder
from taxonaut.models.gguf.provider import open_chat
from taxonaut.models.gguf.tool_call import GgufChat
from taxonaut.models.requests import Choice, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import InputError, ModelError, ModelNotFoundError
from taxonaut.tools.rank_candidates import FIELD, rank_candidates_spec
from taxonaut.workspace.core.config import load_config

NAMES = ("card lost", "exchange rate", "top up failed", "change pin")
TEXTS = ("my card is gone", "a dollar in euros", "it was not topped up", "i want a new pin")


def build_request(text: str, template: str, names: tuple[str, ...] = NAMES) -> ModelRequest:
    prompt = PromptLibrary().get(template)
    options = [{"id": n, "name": name, "path": name, "description": ""} for n, name in enumerate(names, 1)]
    variables = {"task": "", "options": options, "most": 2}
    return ModelRequest(
        system=prompt.render("system", variables)[-300:],
        context=prompt.render("context", variables),
        item=prompt.render("item", {"text": text}),
        blank_item=prompt.render("item", {"text": ""}),
        text=text,
        tool=rank_candidates_spec(len(names), 2),
        field=FIELD,
        choices=tuple(Choice(number, (name,)) for number, name in enumerate(names, 1)),
        most=2,
    )


def scored_examples(chat: GgufChat) -> list[AnswerExample]:
    requests = [build_request(text, "general_expert/rank_scored") for text in TEXTS]
    return [AnswerExample(chat.tokenize(request), (right,)) for right, request in enumerate(requests)]


def generated_examples(chat: GgufChat) -> list[AnswerExample]:
    requests = [build_request(text, "general_expert/rank") for text in TEXTS]
    return [
        AnswerExample(chat.tokenize(request, {FIELD: [right + 1]}), (0,))
        for right, request in enumerate(requests)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("make", [scored_examples, generated_examples])
def test_llama_cpp_sees_what_was_learned(tmp_path: Path, make) -> None:
    pytest.importorskip("llama_cpp")
    pytest.importorskip("peft")
    chat = GgufChat(write_tiny_llama(tmp_path / "tiny.gguf"), answer="generated", threads=1)
    examples = make(chat)
    steps: list[tuple[int, int]] = []

    result = train_lora(
        chat,
        examples,
        tmp_path / "learned",
        LoraSettings(epochs=6, rate=1e-2, batch=2),
        on_step=lambda step, steps_in_all, _: steps.append((step, steps_in_all)),
    )

    assert steps == [(step, 12) for step in range(1, 13)]
    assert result.loss_after < 0.5 * result.loss_before
    assert len(result.losses) == 6
    assert result.change > 0.05
    assert (
        result.difference < 1e-3 * result.change
    )  # float32 on both sides: what differs is a wrong name or order
    assert (result.examples, result.path) == (4, tmp_path / "learned/lora.gguf")
    assert (tmp_path / "learned/peft/adapter_model.safetensors").is_file()
    chat.close()


def test_the_rows_of_queries_and_keys_are_reordered() -> None:
    rows = np.arange(8, dtype=np.float32)[:, None]
    assert permute_rows(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_an_adapter_of_another_model_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    model = write_tiny_llama(tmp_path / "tiny.gguf")
    chat = GgufChat(model, adapter=model)

    with pytest.raises(ModelError, match=r"is no LoRA adapter that fits 'tiny\.gguf'"):
        chat.tokenize(build_request("a text", "general_expert/rank"))
    chat.close()


def test_equal_beginnings_are_read_once(tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    chat = GgufChat(write_tiny_llama(tmp_path / "tiny.gguf"))
    first, second = scored_examples(chat)[:2]
    chat.close()

    both = len(tree_of([first, second]))

    assert both < len(tree_of([first])) + len(tree_of([second])) - 300
    assert len(tree_of([first, first])) == len(tree_of([first]))


def test_adapters_are_for_language_models_of_this_process(tmp_path: Path) -> None:
    with pytest.raises(
        ValidationError, match=r"an adapter is for gguf/… models, and 'openai/gpt-4o' is none"
    ):
        ModelSettings(model="openai/gpt-4o", adapter="a.gguf")
    with pytest.raises(InputError, match="leave `adapter` out of \\[embeddings\\]"):
        open_embedder(ModelSettings(model="gguf/all-minilm-l6-v2", adapter="a.gguf"))
    with pytest.raises(ModelNotFoundError, match=r"there is no adapter 'nowhere\.gguf'"):
        open_chat("smollm2-135m-instruct", "scored", "nowhere.gguf")


def test_an_adapter_counts_by_its_content_wherever_it_is(tmp_path: Path) -> None:
    found = []
    for name, content in (("one", b"1"), ("two", b"1"), ("three", b"2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.gguf").write_bytes(content)
        given = {"model": "gguf/smollm2-135m-instruct", "adapter": "a.gguf"}
        config = load_config(tmp_path / name, {"models": {"navigator": given}})
        assert config.models.navigator.adapter == str(tmp_path / name / "a.gguf")
        found.append(config.answer_settings()["models"]["navigator"])
    assert found[0] == found[1]
    assert found[0] != found[2]
    assert "adapter" not in found[0]
    plain = load_config(tmp_path, {"models": {"navigator": {"model": "gguf/smollm2-135m-instruct"}}})
    assert not {"adapter", "adapter_file"} & plain.answer_settings()["models"]["navigator"].keys()


def test_nothing_to_learn_from(tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    chat = GgufChat(write_tiny_llama(tmp_path / "tiny.gguf"))
    with pytest.raises(InputError, match="there is no example to learn from"):
        train_lora(chat, [], tmp_path / "learned")
    with pytest.raises(InputError, match="rank of a LoRA adapter must be above 0, not 0"):
        replace(LoraSettings(), rank=0)
    chat.close()


@pytest.mark.local
@pytest.mark.slow
def test_smollm2_learns_and_llama_cpp_follows(tmp_path: Path) -> None:
    """The whole way on real weights of 4 bits: one step, and the answers are as likely as it says."""
    require_weights("smollm2-135m-instruct")
    pytest.importorskip("peft")
    chat = GgufChat(answer="generated", threads=1)
    examples = generated_examples(chat)[:2]

    result = train_lora(chat, examples, tmp_path, LoraSettings(epochs=1, rate=2e-3))

    adapted = GgufChat(answer="generated", threads=1, adapter=result.path)
    lengths = [len(example.tokens.answers[0]) for example in examples]
    likely = [float(adapted.log_likelihoods(example.tokens)[0]) for example in examples]
    adapted.close()
    chat.close()
    loss = -np.mean(np.array(likely) / lengths)
    assert result.loss_after < result.loss_before - 0.3
    assert loss == pytest.approx(result.loss_after, abs=0.1)
    assert result.difference < 0.1 * result.change
