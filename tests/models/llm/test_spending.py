"""A budget of requests and money, counted where a model is asked."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from taxonaut.models.llm.prices import Prices
from taxonaut.models.llm.spending import Budget, Spending, price_finder, require_prices
from taxonaut.models.requests import ModelReply, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import BudgetSpentError, InputError, ModelError, ModelReplyError
from taxonaut.state.records import ToolSpec, Usage

PAID, HERE = ModelSettings(model="hosted_vllm/test"), ModelSettings(model="gguf/smollm2-135m-instruct")
PRICES = Prices(1.0, 4.0)
REQUEST = ModelRequest("", "", "", "", "", ToolSpec("t", "", {}), "", (), 1)
REPLY = ModelReply((), {}, Usage(prompt_tokens=200_000, completion_tokens=50_000))
"""0.40 at these prices."""


class Model:
    """Gives the same reply each time; every third from its cache if `caches`, an error for the first if `fails`."""

    name = "model"

    def __init__(self, *, caches: bool = False, fails: bool = False, reads_prompts: bool = True) -> None:
        self.caches, self.fails, self.reads_prompts = caches, fails, reads_prompts
        self.calls: list[int] = []

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        self.calls.append(len(requests))
        replies: list[ModelReply | ModelError] = [REPLY] * len(requests)
        if self.caches:
            cached = replace(REPLY, usage=replace(REPLY.usage, cached=True))
            replies[::3] = [cached] * len(replies[::3])
        if self.fails:
            replies[0] = ModelReplyError("no")
        return replies


def budget(requests: int, money: float | None = None) -> tuple[Budget, list[int]]:
    kept: list[int] = []
    find = price_finder(PRICES)
    return Budget(requests, money, find, Spending(), lambda spent: kept.append(spent.requests)), kept


async def test_no_request_is_sent_beyond_the_limit() -> None:
    given, kept = budget(10)
    model = Model()
    metered = given.metered(PAID, model)
    assert len(await metered.answer([REQUEST] * 7)) == 7
    with pytest.raises(BudgetSpentError):
        await metered.answer([REQUEST] * 7)
    assert (model.calls, given.spent.requests, kept) == ([7, 3], 10, [7, 10])
    assert given.spent.money == pytest.approx(4.0)


async def test_replies_from_the_cache_are_free_and_errors_are_not() -> None:
    given, _ = budget(6)
    model = Model(caches=True)
    assert len(await given.metered(PAID, model).answer([REQUEST] * 9)) == 9
    assert (model.calls, given.spent.requests) == ([6, 2, 1], 5)
    await given.metered(PAID, Model(fails=True)).answer([REQUEST])
    assert (given.spent.requests, given.left) == (6, 0)


async def test_money_is_not_passed_once_a_price_is_known() -> None:
    given, _ = budget(100, money=1.3)
    model = Model()
    with pytest.raises(BudgetSpentError):
        await given.metered(PAID, model).answer([REQUEST] * 10)
    assert model.calls == [1, 2]
    assert given.spent.money == pytest.approx(1.2)


async def test_a_share_of_it() -> None:
    given, _ = budget(10, money=10.0)
    given.share = 0.5
    with pytest.raises(BudgetSpentError):
        await given.metered(HERE, Model()).answer([REQUEST] * 6)
    assert (given.spent.requests, given.spent.money) == (5, 0.0)


def test_an_encoder_is_not_metered() -> None:
    given, _ = budget(1)
    model = Model(reads_prompts=False)
    assert given.metered(PAID, model) is model


@pytest.mark.slow  # it imports LiteLLM
def test_prices() -> None:
    listed, unlisted = price_finder(None), price_finder(None, objects=["mine"])
    assert listed(HERE) == Prices(0.0, 0.0)
    known = listed(ModelSettings(model="openai/gpt-4.1-mini"))
    assert known is not None
    assert 0 < known.read < known.written < 100
    assert listed(PAID) is None
    assert unlisted(ModelSettings(model="mine")) is None
    with pytest.raises(InputError, match="'hosted_vllm/test' of the navigator costs is not known"):
        require_prices({"navigator": PAID}, listed)
    require_prices({"navigator": PAID}, price_finder(PRICES))
