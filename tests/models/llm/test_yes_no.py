"""Yes or no against a real server: the score, what it cost, what is kept, and servers that cannot."""

import math
from typing import Any

import pytest

from taxonaut.models.llm.reply_store import KeptReplies
from taxonaut.models.llm.yes_no import RARE, YesNoGateway, yes_over_no
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import ModelReplyError, ModelUnavailableError
from taxonaut.state.records import Usage
from taxonaut.state.stores.reply_cache import ResponseCache
from taxonaut.tools.judge_label import judge_label_spec

SCORE = math.log(math.exp(-0.5) + math.exp(-2.5)) + 1.5
"""Of the server's answer: `Yes` and `yes` against ` no`."""


def about(text: str) -> ModelRequest:
    choices = (Choice(1, ("Shoes",)),)
    return ModelRequest("Judge.", "Label: Shoes", text, "", text, judge_label_spec(1), "fitting", choices, 1)


def role(server: Any, **changes: Any) -> ModelSettings:
    given = {"model": "hosted_vllm/test", "api_base": server.url, "backoff_s": 0, "timeout_s": 10}
    return ModelSettings(**{**given, **changes})


async def test_how_much_likelier_yes_is(server: Any) -> None:
    (reply,) = await YesNoGateway(role(server)).answer([about("boots")])
    assert isinstance(reply, ModelReply)
    assert reply.scores == {1: pytest.approx(SCORE)}
    assert (reply.chosen, reply.arguments) == ((1,), {"fitting": [1]})
    latency = reply.usage.latency_s
    assert reply.usage == Usage(100, 10, 70, latency, 1)
    assert 0 < latency < 60


async def test_an_answer_is_kept_and_what_passes_is_tried_again(server: Any, database: Database) -> None:
    store = KeptReplies(ResponseCache(database))
    for _ in range(2):
        (reply,) = await YesNoGateway(role(server), store).answer([about("BEHAVE:busy_once")])
        assert isinstance(reply, ModelReply)
        assert reply.scores == {1: pytest.approx(SCORE)}
    assert (reply.usage.cached, server.stats()["requests"]) == (True, 2)


async def test_a_server_without_log_probabilities(server: Any) -> None:
    (reply,) = await YesNoGateway(role(server)).answer([about("BEHAVE:prose")])
    assert isinstance(reply, ModelReplyError)
    assert str(reply) == (
        "'hosted_vllm/test' returned no log-probabilities, and labels judged one by one are ranked by them; "
        "use a server that returns them (`logprobs`, such as vLLM or OpenAI), gguf/… or encoder/…"
    )
    assert server.stats()["requests"] == 1


async def test_a_server_that_stays_broken(server: Any) -> None:
    (reply,) = await YesNoGateway(role(server, attempts=2)).answer([about("BEHAVE:broken")])
    assert isinstance(reply, ModelUnavailableError)
    assert str(reply).endswith("(given up after 2 tries)")


def test_each_word_counts_however_it_is_spelt() -> None:
    assert yes_over_no({"yes": -1.0, "No": -1.0}) == 0
    assert yes_over_no(
        {" YES": math.log(0.25), "Yes": math.log(0.25), "no": math.log(0.25)}
    ) == pytest.approx(math.log(2))
    assert yes_over_no({"no": -1.0}) == RARE + 1
    assert yes_over_no({"maybe": -1.0}) == 0
