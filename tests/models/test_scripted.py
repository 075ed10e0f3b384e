"""The scripted model: a queue, a rule, and a memory of what was asked."""

import pytest

from taxonaut import ScriptedModel
from taxonaut.models.requests import Answers, Choice, ModelReply, ModelRequest
from taxonaut.state.errors import ModelError, ModelReplyError, ModelUnavailableError
from taxonaut.state.records import Usage
from taxonaut.tools.expand_node import expand_node_spec


def request(text: str) -> ModelRequest:
    choices = tuple(Choice(number, (str(number),)) for number in (1, 2))
    return ModelRequest("s", "c", text, "", text, expand_node_spec(2, 2), "branches", choices, 2)


async def test_the_script_then_the_rule() -> None:
    away = ModelUnavailableError("away")
    model: Answers = ScriptedModel([[2], away], rule=lambda asked: [0] if "?" in asked.text else [1, 2])
    requests = [request(text) for text in ("one", "two", "three", "four?")]
    assert await model.answer(requests) == [
        ModelReply((2,), {"branches": [2]}, Usage()),
        away,
        ModelReply((1, 2), {"branches": [1, 2]}, Usage()),
        ModelReply((), {"branches": [0]}, Usage()),
    ]
    assert isinstance(model, ScriptedModel)
    assert model.history == requests
    assert (model.name, model.reads_prompts) == ("scripted", True)


async def test_a_faulty_script_is_a_reply_error() -> None:
    (reply,) = await ScriptedModel([[7]]).answer([request("x")])
    assert isinstance(reply, ModelReplyError)
    assert isinstance(reply, ModelError)
    assert str(reply).startswith("[7] is not on offer.")


async def test_a_script_that_runs_out_fails_the_test() -> None:
    model = ScriptedModel()
    model.enqueue([1])
    with pytest.raises(AssertionError, match=r"^the script has no reply left for request 2: 'b'$"):
        await model.answer([request("a"), request("b")])
