"""What may follow a prefix of semantic ids, by hand and in a model of `transformers`."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.recommend import PrefixTree
from taxonaut.state.errors import InputError

IDS = {
    "p1": ["<a_0>", "<b_0>", "<c_0>"],
    "p2": ["<a_0>", "<b_0>", "<c_1>"],
    "p3": ["<a_0>", "<b_1>", "<c_0>"],
    "d1": ["<a_1>", "<pad>", "<c_0>"],
}


def test_what_may_follow() -> None:
    tree = PrefixTree.of(IDS)
    assert tree.allowed_next() == ("<a_0>", "<a_1>")
    assert tree.allowed_next(["<a_0>"]) == ("<b_0>", "<b_1>")
    assert tree.allowed_next(["<a_1>"]) == ("<pad>",)
    assert tree.allowed_next(IDS["p1"]) == tree.allowed_next(["<b_0>"]) == ()
    assert tree.items(IDS["p2"]) == ("p2",)
    assert tree.items(["<a_0>"]) == tree.items([*IDS["p2"], "<c_0>"]) == ()
    assert list(tree) == [tuple(tokens) for tokens in IDS.values()]


def test_ids_without_a_resolver_lead_to_several_items() -> None:
    tree = PrefixTree.of({"p1": ["<a_0>"], "p2": ["<a_0>"]})
    assert tree.items(["<a_0>"]) == ("p1", "p2")


@given(
    st.dictionaries(st.text(max_size=3), st.lists(st.sampled_from("abc"), min_size=2, max_size=2), min_size=1)
)
def test_ids_and_no_others_can_be_written(ids: dict[str, list[str]]) -> None:
    tree = PrefixTree.of(ids)
    written = [(first, second) for first in tree.allowed_next() for second in tree.allowed_next([first])]
    assert sorted(written) == sorted({(first, second) for first, second in ids.values()})
    assert {item for tokens in tree for item in tree.items(tokens)} == set(ids)


def test_a_saved_tree_is_the_same(tmp_path: Path) -> None:
    tree = PrefixTree.of(IDS)
    for name in ("tree.json", "tree.json.gz"):
        tree.save(tmp_path / name)
        again = PrefixTree.load(tmp_path / name)
        assert (again.branch, again.depth) == (tree.branch, 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "is no prefix tree; write one with: taxonaut recommend export"),
        ('{"format": "taxonaut prefix tree", "version": 1, "depth": 2, "tree": {"a": ["p1"]}}', "is damaged"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "tree.json").write_text(text)
    with pytest.raises(InputError, match=said):
        PrefixTree.load(tmp_path / "tree.json")


@pytest.mark.parametrize("ids", [{}, {"p1": []}, {"p1": ["a"], "p2": ["a", "b"]}])
def test_ids_must_have_equal_length(ids: dict[str, list[str]]) -> None:
    with pytest.raises(InputError, match="as many tokens for each"):
        PrefixTree.of(ids)


NUMBERS = {
    "<s>": 0,
    "</s>": 1,
    "<a_0>": 2,
    "<a_1>": 3,
    "<b_0>": 4,
    "<b_1>": 5,
    "<c_0>": 6,
    "<c_1>": 7,
    "<pad>": 8,
}


def test_numbers_of_a_model() -> None:
    allowed = PrefixTree.of(IDS).prefix_allowed_tokens(NUMBERS, start=1, end=1)
    assert allowed(0, [0]) == [2, 3]
    assert allowed(0, [0, 2, 4]) == [6, 7]
    assert allowed(0, [0, 2, 4, 7]) == [1]
    assert allowed(0, [0, 9]) == [1]
    numbers = {token: number for token, number in NUMBERS.items() if token != "<pad>"}
    with pytest.raises(
        InputError, match="1 of 7 tokens have no number in the model, such as '<pad>'; add them"
    ):
        PrefixTree.of(IDS).prefix_allowed_tokens(numbers, start=1, end=1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["encoder-decoder", "decoder"])
def test_a_model_of_transformers_writes_ids_alone(kind: str) -> None:
    torch: Any = pytest.importorskip("torch")
    transformers: Any = pytest.importorskip("transformers")
    torch.manual_seed(0)
    tree = PrefixTree.of(IDS)
    sizes = {"vocab_size": len(NUMBERS) + 20, "pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 1}
    prompt = torch.tensor([[12, 13, 14], [15, 16, 17]])
    if kind == "decoder":
        config = transformers.GPT2Config(n_embd=16, n_layer=1, n_head=2, n_positions=16, **sizes)
        model, start = transformers.GPT2LMHeadModel(config), prompt.shape[1]
    else:
        config = transformers.T5Config(
            d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, decoder_start_token_id=0, **sizes
        )
        model, start = transformers.T5ForConditionalGeneration(config), 1
    written = model.eval().generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        prefix_allowed_tokens_fn=tree.prefix_allowed_tokens(NUMBERS, start=start, end=1),
        num_beams=4,
        num_return_sequences=4,
        max_new_tokens=4,
    )
    texts = {number: token for token, number in NUMBERS.items()}
    ids = [[texts[int(number)] for number in row[start:]] for row in written]
    found = [tree.items(row[:3]) for row in ids]
    assert sorted(found[:4]) == sorted(found[4:]) == [("d1",), ("p1",), ("p2",), ("p3",)]
    assert {row[3] for row in ids} == {"</s>"}
    assert json.loads(tree.as_json())["depth"] == 3
