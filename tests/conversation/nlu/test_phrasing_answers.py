"""An option is chosen by what its examples are worded like."""

import asyncio
from collections.abc import Sequence

import numpy as np

from taxonaut.conversation.nlu.phrasing_answers import Grams, PhrasingAnswers, PhrasingSettings, grams
from taxonaut.models.embedder import Matrix
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.state.errors import ModelReplyError
from taxonaut.state.records import ToolSpec

CHOICES = (
    Choice(1, ("where would something go", "which category fits something", "classify something")),
    Choice(2, ("undo that", "take it back", "revert the last change")),
    Choice(3, ("hello", "good morning", "tell me a joke")),
)


class Letters:
    """Embeds a text by how often it has each letter."""

    name = "letters"
    dimension = 26

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Count letters."""
        self.asked += texts
        rows = np.array([[text.count(chr(97 + at)) + 0.01 for at in range(26)] for text in texts], np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


def request(text: str, choices: tuple[Choice, ...] = CHOICES, most: int = 3) -> ModelRequest:
    """Ask about one text."""
    return ModelRequest("", "", "", "", text, ToolSpec("choose_tool", "", {}), "tools", choices, most)


def ask(model: PhrasingAnswers, *texts: str) -> list[ModelReply]:
    """Return the replies to texts."""
    replies = asyncio.run(model.answer([request(text) for text in texts]))
    assert all(isinstance(reply, ModelReply) for reply in replies)
    return [reply for reply in replies if isinstance(reply, ModelReply)]


def test_examples_themselves_and_words_like_them_are_recognised() -> None:
    model = PhrasingAnswers(Letters())
    replies = ask(
        model, "undo that", "please revert that change", "where does something go", "good morning to you"
    )
    assert [reply.chosen[0] for reply in replies] == [2, 2, 1, 3]
    assert model.name == "encoder/letters"
    assert not model.reads_prompts


def test_scores_are_of_all_options_and_fall() -> None:
    (reply,) = ask(PhrasingAnswers(Letters()), "undo that")
    assert reply.scores is not None
    assert set(reply.scores) == {1, 2, 3}
    assert reply.scores[2] > 0.6 > max(reply.scores[1], reply.scores[3])
    assert reply.arguments == {"tools": [2]}


def test_what_is_like_nothing_is_an_abstention() -> None:
    (reply,) = ask(PhrasingAnswers(Letters(), settings=PhrasingSettings(threshold=0.9)), "zzz qqq")
    assert (reply.chosen, dict(reply.arguments)) == ((), {"tools": [0]})


def test_examples_are_learned_once_and_looked_up() -> None:
    embedder = Letters()
    looked: list[str] = []

    def lookup(texts: Sequence[str]) -> Matrix:
        looked.extend(texts)
        return Letters().embed(texts)

    model = PhrasingAnswers(embedder, lookup)
    ask(model, "undo", "hello")
    ask(model, "undo")
    assert len(looked) == 9
    assert embedder.asked == ["undo", "hello", "undo"]


def test_an_option_without_an_example_is_an_error_in_its_place() -> None:
    model = PhrasingAnswers(Letters())
    replies = asyncio.run(model.answer([request("undo", (Choice(1, ()),)), request("undo that")]))
    assert isinstance(replies[0], ModelReplyError)
    assert isinstance(replies[1], ModelReply)


def test_grams_of_a_text() -> None:
    assert list(grams("Take it back")) == [
        *("take", "it", "back"),
        *(("", "take"), ("take", "it"), ("it", "back"), ("back", "")),
        ("take", None, "back"),
        (None, "take"),
    ]
    assert list(grams("")) == [("", "")]


def test_shared_words_are_a_cosine() -> None:
    texts = ["undo that", "undo it", "where to"]
    near = Grams(texts)
    among = near.among()
    assert np.allclose(np.diag(among), 1, atol=1e-5)
    assert np.allclose(among, among.T)
    assert np.allclose(near.near("undo it"), among[1])
    assert near.near("unknown").max() < 0.01
